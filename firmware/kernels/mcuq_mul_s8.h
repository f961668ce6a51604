/* Product of two int8 tensors, with broadcasting.
 *
 * out = clamp(output_offset + requantize((in1 + input1_offset) * (in2 + input2_offset), multiplier, shift))
 *
 * Rounding: double; shift is -31 .. 15. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost: about 25 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_MUL_S8_H
#define MCUQ_MUL_S8_H

#include <stdint.h>

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
} mcuq_mul_s8_params;

void mcuq_mul_s8(const mcuq_mul_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
