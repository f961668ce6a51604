/* Sum and difference of two int8 tensors, with broadcasting.
 *
 * x1 = requantize((in1 + input1_offset) << 20, input1_multiplier, input1_shift), x2 likewise;
 * out = clamp(output_offset + requantize(x1 +/- x2, output_multiplier, output_shift))
 *
 * Rounding: double, all three; shifts are -31 .. 0. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost: about 54 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_ADD_S8_H
#define MCUQ_ADD_S8_H

#include <stdint.h>

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
    int32_t activation_min;
    int32_t activation_max;
} mcuq_add_s8_params;

void mcuq_add_s8(const mcuq_add_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

/* in1 - in2 */
void mcuq_sub_s8(const mcuq_add_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
