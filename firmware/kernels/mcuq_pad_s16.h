/* Padding of int16 along up to four axes: as mcuq_pad_s8.h has it of int8, with the same parameters.
 *
 * Layouts: any. Scratch: none. Cost: a few instructions an element of padding, one memcpy a row of the innermost axis.
 */
#ifndef MCUQ_PAD_S16_H
#define MCUQ_PAD_S16_H

#include "mcuq_pad_s8.h"

void mcuq_pad_s16(const mcuq_pad_s8_params *params, const int16_t *input, int16_t *output);

#endif
