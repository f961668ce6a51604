/* Mean of int16 tensors over some axes: as mcuq_mean_s8.h has it of int8, with the same parameters.
 *
 * out = clamp(output_offset + requantize_double(sum, multiplier, shift)); zero points are 0, so sum_offset is too.
 * Rounding: double. Scratch: none. Cost: about 6 instructions an input element on a Cortex-M4.
 */
#ifndef MCUQ_MEAN_S16_H
#define MCUQ_MEAN_S16_H

#include "mcuq_mean_s8.h"

void mcuq_mean_s16(const mcuq_mean_s8_params *params, const int16_t *input, int16_t *output);

#endif
