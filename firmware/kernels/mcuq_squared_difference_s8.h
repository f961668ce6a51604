/* Squared difference of two int8 tensors, with broadcasting.
 *
 * x1, x2 = requantize((in + input_offset) * 2^7, input_multiplier, input_shift), on a common scale
 * out = clamp(output_offset + requantize((x1 - x2)^2, output_multiplier, output_shift)) to -128 .. 127
 *
 * Rounding: double; all shifts are -31 .. 0. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost: about 45 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_SQUARED_DIFFERENCE_S8_H
#define MCUQ_SQUARED_DIFFERENCE_S8_H

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops;
    int32_t input1_offset; /* minus the first input's zero point */
    int32_t input1_multiplier;
    int32_t input1_shift;
    int32_t input2_offset; /* minus the second input's zero point */
    int32_t input2_multiplier;
    int32_t input2_shift;
    int32_t output_offset; /* the output's zero point */
    int32_t output_multiplier;
    int32_t output_shift;
} mcuq_squared_difference_s8_params;

void mcuq_squared_difference_s8(const mcuq_squared_difference_s8_params *params, const int8_t *input1,
                                const int8_t *input2, int8_t *output);

#endif
