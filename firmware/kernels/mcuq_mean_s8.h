/* Mean of int8 activations over any axes, rescaled to the output's quantization.
 *
 * out[k0,k1,k2] = clamp(output_offset + requantize_double(sum_offset + sum, multiplier, shift)) to -128 .. 127
 * sum = sum over r0,r1,r2 of in[k0*kept_step_0 + k1*kept_step_1 + k2*kept_step_2 + r0*reduced_step_0 + ...]
 * Kept axes and averaged ones each have their size and their step in the input, in elements; one that is not there has
 * size 1. The division by the count is in the multiplier.
 *
 * sum_offset is minus the input's zero point times the count. Rounding: double. Scratch: none.
 * Cost: about 6 instructions an input element on a Cortex-M4 at -O2, and 40 an output.
 */
#ifndef MCUQ_MEAN_S8_H
#define MCUQ_MEAN_S8_H

#include <stdint.h>

typedef struct {
    int32_t kept_size_0;
    int32_t kept_size_1;
    int32_t kept_size_2;
    int32_t kept_step_0;
    int32_t kept_step_1;
    int32_t kept_step_2;
    int32_t reduced_size_0;
    int32_t reduced_size_1;
    int32_t reduced_size_2;
    int32_t reduced_step_0;
    int32_t reduced_step_1;
    int32_t reduced_step_2;
    int32_t sum_offset;
    int32_t multiplier;
    int32_t shift;
    int32_t output_offset; /* the output's zero point */
} mcuq_mean_s8_params;

void mcuq_mean_s8(const mcuq_mean_s8_params *params, const int8_t *input, int8_t *output);

#endif
