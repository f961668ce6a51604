/* Sum or difference of two int8 tensors as one linear form, with broadcasting, for cores with the DSP extension.
 *
 * out = saturate((constant + (factor1 * in1 >> 8) + (factor2 * in2 >> 8)) >> 20) to -128 .. 127, each shift rounding
 * down
 *
 * Zero points and rounding are in the constant, a difference in the sign of factor2. The three numbers are found, and
 * the form is proven to give the bytes of mcuq_add_s8 or mcuq_sub_s8 for all 65,536 pairs of inputs, when code is
 * generated (mcuq/kernels/mcuq_linear.py). Layouts: any, see mcuq_broadcast.h, where the innermost steps are 1, or one
 * of them is 0. Scratch: none. An output may be an input where that input is not repeated. Cost: about 7 cycles an
 * element on a Cortex-M4.
 */
#ifndef MCUQ_LINEAR_S8_H
#define MCUQ_LINEAR_S8_H

#include <stdint.h>

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops;
    int32_t factor1; /* units of the output's scale, times 2^28 */
    int32_t factor2;
    int32_t constant; /* times 2^20 */
} mcuq_linear_s8_params;

void mcuq_linear_s8(const mcuq_linear_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
