/* 2-D average and max pooling for cores with the DSP extension: four channels at a time, two times four in a mean.
 *
 * The formulas, the parameters and the layouts of mcuq_pool_2d_s8.h. There are at least four channels; the last four
 * overlap the ones before them where four do not divide their number. The average's window has at most 255 elements:
 * its division is a multiplication by 2^31 / count, rounded up, which is exact for such sums. Scratch: none. Cost on a
 * Cortex-M4: average: 1.3 cycles a tap (2.4 for the last 4 to 7 channels) and 34 an output; max: 2.3 and 4.
 */
#ifndef MCUQ_POOL_2D_S8_DSP_H
#define MCUQ_POOL_2D_S8_DSP_H

#include "mcuq_pool_2d_s8.h"

void mcuq_average_pool_2d_s8_dsp(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output);
void mcuq_max_pool_2d_s8_dsp(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output);

#endif
