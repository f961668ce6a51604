/* Mean of int8 activations over one run of elements for each of at least four neighbouring channels, for cores with the
 * DSP extension: the spatial mean of NHWC, four channels at a time.
 *
 * The formula, the rounding and the parameters of mcuq_mean_s8.h, where the reduced sizes 0 and 1 are 1 and
 * kept_step_2 is 1 with kept_size_2 >= 4; the last four channels overlap the ones before them where four do not divide
 * their number. Scratch: none. Cost on a Cortex-M4: 2.3 cycles an input element and 20 an output.
 */
#ifndef MCUQ_MEAN_S8_DSP_H
#define MCUQ_MEAN_S8_DSP_H

#include "mcuq_mean_s8.h"

void mcuq_mean_s8_dsp(const mcuq_mean_s8_params *params, const int8_t *input, int8_t *output);

#endif
