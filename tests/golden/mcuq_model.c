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
uint32_t mcuq_model_layer_ticks[SMALL_LAYERS];
const char mcuq_model_name[] = "small";
const uint8_t mcuq_model_build_id[16] = { 0x7aU, 0x6bU, 0xc3U, 0xf7U, 0x73U, 0x68U, 0x6cU, 0x5dU, 0x6dU, 0x05U, 0x5dU, 0xbbU, 0x56U, 0xf6U, 0x15U, 0xd8U };

int32_t mcuq_model_invoke(void)
{
    return small_invoke();
}
