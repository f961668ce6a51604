/* A model to test the firmware with whose input is fed: it asks for 100 bytes at a time and copies them to its output. */
#include "mcuq_model.h"

#include <stddef.h>

enum { BYTES = 600, ROW = 100 };

static uint8_t output[BYTES];
static uint8_t runs[1];

const mcuq_buffer mcuq_model_inputs[] = {{NULL, BYTES}};
const uint32_t mcuq_model_input_count = 1U;
const mcuq_buffer mcuq_model_outputs[] = {{output, BYTES}, {runs, sizeof runs}};
const uint32_t mcuq_model_output_count = 2U;
const uint32_t mcuq_model_layer_count = 2U;
const uint32_t mcuq_model_arena_bytes = sizeof output;
uint8_t *const mcuq_model_arena = output;
uint32_t mcuq_model_layer_ticks[2];
const char mcuq_model_name[] = "fed";
const uint8_t mcuq_model_build_id[16] = {15, 14};

void mcuq_model_reset(void)
{
}

int32_t mcuq_model_invoke(void)
{
    for (uint32_t at = 0U; at < BYTES; at += ROW) {
        mcuq_input_read(&output[at], ROW);
#ifdef MCUQ_PROFILE
        mcuq_profile_layer(0U);
#endif
    }
    runs[0]++;
#ifdef MCUQ_PROFILE
    mcuq_profile_layer(1U);
#endif
    return 0;
}
