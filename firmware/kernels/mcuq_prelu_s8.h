/* Parametric ReLU of int8 activations, the slopes broadcast.
 *
 * x = in + input_offset
 * out = clamp(output_offset + requantize(x, positive_multiplier, positive_shift)) where x >= 0, otherwise
 *       clamp(output_offset + requantize(x * (alpha + alpha_offset), negative_multiplier, negative_shift)),
 * clamped to -128 .. 127
 *
 * Rounding: double; positive_shift is -31 .. 23, negative_shift -31 .. 15. Layouts: any, see mcuq_broadcast.h.
 * Scratch: none. An output may be an input only where that input is not repeated.
 * Cost: about 30 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_PRELU_S8_H
#define MCUQ_PRELU_S8_H

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops;
    int32_t input_offset; /* minus the input's zero point */
    int32_t alpha_offset; /* minus the slopes' zero point */
    int32_t output_offset; /* the output's zero point */
    int32_t positive_multiplier;
    int32_t positive_shift;
    int32_t negative_multiplier;
    int32_t negative_shift;
} mcuq_prelu_s8_params;

void mcuq_prelu_s8(const mcuq_prelu_s8_params *params, const int8_t *input, const int8_t *alpha, int8_t *output);

#endif
