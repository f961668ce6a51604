/* Sum of two int8 tensors of one shape on Helium (MVE).
 *
 * a = (in_a - a_zero_point) << 19
 * b = round(round_half_up(((in_b - b_zero_point) << (16 + b_left_shift)) * b_multiplier / 2^31) / 2^b_right_shift)
 * out = clamp(output_offset + round(round_half_up((a + b) * output_multiplier / 2^31) / 2^output_right_shift))
 * round is half away from zero: this is LiteRT's ADD, in which the input with the greater scale (a) has a factor of one
 * half. Where both have, b_left_shift is 5 in place of 4 and b_right_shift 1 in place of 0, which is the same.
 *
 * Layouts: any, the three the same. Rounding: double, all. Scratch: none. The output may be one of the inputs.
 * Cost on a Cortex-M55: about 5 instructions an element.
 */
#ifndef MCUQ_ADD_MVE_H
#define MCUQ_ADD_MVE_H

#include <stdint.h>

typedef struct {
    int32_t elements;
    int32_t a_zero_point;
    int32_t b_zero_point;
    int32_t b_left_shift;
    int32_t b_multiplier;
    int32_t b_right_shift; /* 1 .. 31 */
    int32_t output_multiplier;
    int32_t output_right_shift; /* 1 .. 31 */
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_add_mve_params;

void mcuq_add_mve(const mcuq_add_mve_params *params, const int8_t *a, const int8_t *b, int8_t *output);

#endif
