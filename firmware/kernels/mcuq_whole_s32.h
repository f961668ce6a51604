/* Operators of int32 that models compute shapes, counts and masks with: ADD_N and CUMSUM, and FILL of any type.
 *
 * mcuq_add_s32: out = in1 + in2, modulo 2^32; output may be an input.
 * mcuq_cumulative_sum_s32: out[o,a,i] = sum of in[o,b,i] over b <= a, modulo 2^32; over b < a if exclusive; over b >= a
 * and b > a if reverse. output may be input.
 * mcuq_fill: elements copies of the size bytes at value.
 * Layouts: any; of the sum (outer, axis, inner). Scratch: none. Cost: about 6 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_WHOLE_S32_H
#define MCUQ_WHOLE_S32_H

#include <stdint.h>

typedef struct {
    int32_t outer;
    int32_t axis;
    int32_t inner;
    int32_t exclusive;
    int32_t reverse;
} mcuq_cumulative_sum_s32_params;

void mcuq_add_s32(const int32_t *input1, const int32_t *input2, int32_t *output, int32_t elements);

void mcuq_cumulative_sum_s32(const mcuq_cumulative_sum_s32_params *params, const int32_t *input, int32_t *output);

void mcuq_fill(const void *value, int32_t size, void *output, int32_t elements);

#endif
