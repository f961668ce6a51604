/* A model to test the firmware with whose input is fed: it asks for 100 bytes at a time and copies them to its output. */
#include "mcuq_model.h"

#include <stddef.h>

enum { BYTES = 600, ROW = 100 };

static uint8_t output[BYTES];
static uint8_t runs[1];

static const mcuq_buffer inputs[] = {{NULL, BYTES}};
static const mcuq_buffer outputs[] = {{output, BYTES}, {runs, sizeof runs}};
const mcuq_model mcuq_models[] = {{"fed", inputs, outputs, 1U, 2U, 2U, sizeof output}};
const uint32_t mcuq_model_count = 1U;
uint8_t *const mcuq_arena = output;
uint32_t mcuq_layer_ticks[2];
const uint8_t mcuq_build_id[16] = {15, 14};

void mcuq_model_reset(uint32_t model)
{
    (void)model;
}

int32_t mcuq_model_invoke(uint32_t model)
{
    (void)model;
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
