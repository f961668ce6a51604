/* The sum, the mean, the greatest or the least of float32 over some axes, by the loops of mcuq_reduction.h.
 *
 * Rounding: each sum once, in the order of memory; a mean divides the sum. Sums begin with
 * 0, but trailing_sum, of the last axes, with -0: the sum of nothing but -0 is -0.
 * Layouts: any. Scratch: none. Cost with an FPU: about 6 instructions an element.
 */
#ifndef MCUQ_REDUCE_F32_H
#define MCUQ_REDUCE_F32_H

#include "mcuq_reduction.h"

void mcuq_reduce_sum_f32(const mcuq_reduction *loops, const float *input, float *output);
void mcuq_reduce_trailing_sum_f32(const mcuq_reduction *loops, const float *input, float *output);
void mcuq_reduce_mean_f32(const mcuq_reduction *loops, const float *input, float *output);
void mcuq_reduce_max_f32(const mcuq_reduction *loops, const float *input, float *output);
void mcuq_reduce_min_f32(const mcuq_reduction *loops, const float *input, float *output);

#endif
