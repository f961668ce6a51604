/* Quotient of two int8 tensors, with broadcasting.
 *
 * x = in1 + input1_offset, d = in2 + input2_offset, both negated where d < 0
 * r = 1 / d by Newton's method, normalised to Q0.31: 1 / d = r / 2^k; h = sign bits of x that are not needed
 * out = clamp(output_offset + requantize(x * 2^h * r, multiplier, shift - k - h)) to activation_min .. activation_max
 *
 * Rounding: double, after a rounded product with r. shift - k - h is -31 .. 0 for all x and d that occur. A divisor of 0
 * counts as 1. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost: about 110 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_DIV_S8_H
#define MCUQ_DIV_S8_H

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops;
    int32_t input1_offset; /* minus the first input's zero point */
    int32_t input2_offset; /* minus the second input's zero point */
    int32_t output_offset; /* the output's zero point */
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_div_s8_params;

void mcuq_div_s8(const mcuq_div_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
