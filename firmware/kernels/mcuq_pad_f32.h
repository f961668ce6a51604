/* Padding of float32 along up to four axes: as mcuq_pad_s8.h has it of int8; `value` has the bits of the float.
 *
 * Layouts: any. Scratch: none. Cost: a few instructions an element of padding, one memcpy a row of the innermost axis.
 */
#ifndef MCUQ_PAD_F32_H
#define MCUQ_PAD_F32_H

#include "mcuq_pad_s8.h"

void mcuq_pad_f32(const mcuq_pad_s8_params *params, const float *input, float *output);

#endif
