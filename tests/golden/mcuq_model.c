/* The firmware's view of small, made by mcuq 0.1.0; do not edit. */
#include "mcuq_model.h"

#include "small.h"

const mcuq_buffer mcuq_model_inputs[] = {
    {&small_arena[0], 36U},
};
const uint32_t mcuq_model_input_count = 1U;
const mcuq_buffer mcuq_model_outputs[] = {
    {&small_arena[32], 2U},
};
const uint32_t mcuq_model_output_count = 1U;
const uint32_t mcuq_model_layer_count = SMALL_LAYERS;
const uint32_t mcuq_model_arena_bytes = SMALL_ARENA_BYTES;
uint32_t mcuq_model_layer_ticks[SMALL_LAYERS];
const char mcuq_model_name[] = "small";
const uint8_t mcuq_model_build_id[16] = { 0xfbU, 0x46U, 0x23U, 0x7eU, 0xadU, 0xb6U, 0xf0U, 0x85U, 0x84U, 0x34U, 0x03U, 0xc1U, 0xafU, 0x31U, 0x7dU, 0x10U };

int32_t mcuq_model_invoke(void)
{
    return small_invoke();
}
