/* The firmware's view of small, made by mcuq 0.1.0; do not edit. */
#include "mcuq_model.h"

#include "small.h"

const mcuq_buffer mcuq_model_inputs[] = {
    {&small_arena[8], 36U},
};
const uint32_t mcuq_model_input_count = 1U;
const mcuq_buffer mcuq_model_outputs[] = {
    {&small_arena[8], 2U},
};
const uint32_t mcuq_model_output_count = 1U;
const uint32_t mcuq_model_layer_count = SMALL_LAYERS;
const uint32_t mcuq_model_arena_bytes = SMALL_ARENA_BYTES;
uint8_t *const mcuq_model_arena = small_arena;
uint32_t mcuq_model_layer_ticks[SMALL_LAYERS];
const char mcuq_model_name[] = "small";
const uint8_t mcuq_model_build_id[16] = { 0x43U, 0xc2U, 0x9eU, 0xdcU, 0xeeU, 0x6bU, 0xb8U, 0x18U, 0x92U, 0xd9U, 0x19U, 0xe8U, 0xafU, 0x2aU, 0x22U, 0xabU };

void mcuq_model_reset(void)
{
}

int32_t mcuq_model_invoke(void)
{
    return small_invoke();
}
