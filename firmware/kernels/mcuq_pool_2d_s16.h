/* Poolings of int16 tensors: as mcuq_pool_2d_s8.h has them of int8, with the same parameters.
 *
 * out[n,y,x,c] = clamp of the mean (rounded half away from zero) or the greatest of the window's part inside the input.
 * Layouts: NHWC. Scratch: none. Cost: about 8 instructions a window element on a Cortex-M4.
 */
#ifndef MCUQ_POOL_2D_S16_H
#define MCUQ_POOL_2D_S16_H

#include "mcuq_pool_2d_s8.h"

void mcuq_average_pool_2d_s16(const mcuq_pool_2d_s8_params *params, const int16_t *input, int16_t *output);

void mcuq_max_pool_2d_s16(const mcuq_pool_2d_s8_params *params, const int16_t *input, int16_t *output);

#endif
