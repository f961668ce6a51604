/* The firmware's view of small, made by mcuq 0.1.0; do not edit. */
#include "mcuq_model.h"

#include "small.h"

static const mcuq_buffer small_inputs[] = {
    {&small_arena[8], 36U},
};
static const mcuq_buffer small_outputs[] = {
    {&small_arena[8], 2U},
};

const mcuq_model mcuq_models[] = {
    {
        .name = "small",
        .inputs = small_inputs,
        .outputs = small_outputs,
        .input_count = 1U,
        .output_count = 1U,
        .layer_count = SMALL_LAYERS,
        .arena_bytes = SMALL_ARENA_BYTES,
    },
};
const uint32_t mcuq_model_count = 1U;
uint8_t *const mcuq_arena = small_arena;
uint32_t mcuq_layer_ticks[4];
const uint8_t mcuq_build_id[16] = { 0x94U, 0x0eU, 0xacU, 0xc1U, 0x4fU, 0x59U, 0x6aU, 0xdfU, 0x80U, 0x18U, 0x15U, 0x3fU, 0xc6U, 0xa3U, 0x0fU, 0x76U };

void mcuq_model_reset(uint32_t model)
{
    (void)model;
}

int32_t mcuq_model_invoke(uint32_t model)
{
    switch (model) {
    case 0U:
        return small_invoke();
    default:
        return -1;
    }
}
