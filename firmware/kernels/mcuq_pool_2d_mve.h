/* 2-D average and max pooling of int8 activations on Helium (MVE): any window, stride and padding.
 *
 * average: out[n,y,x,c] = clamp(sum / count), rounded half away from zero
 * max:     out[n,y,x,c] = clamp(max)
 * over the count taps in[n, y*stride+ky-pad, x*stride+kx-pad, c] that lie inside the input; every window has one.
 * For averages the window has at most 256 taps, whose sum fits 16 bits. The division is
 * (|sum| + count / 2) * reciprocal >> 32, exact with reciprocal = 2^32 / count rounded up since 129 * count^2 < 2^32.
 *
 * Layouts: NHWC. Scratch: none.
 * Cost on a Cortex-M55: about 5 instructions for 8 (average) or 16 (max) taps, and 45 or 30 for as many outputs.
 */
#ifndef MCUQ_POOL_2D_MVE_H
#define MCUQ_POOL_2D_MVE_H

#include "mcuq_pool_2d_s8.h"

void mcuq_average_pool_2d_mve(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output);
void mcuq_max_pool_2d_mve(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output);

#endif
