/* Sum and difference of two int16 tensors, with broadcasting: as mcuq_add_s8.h has it of int8, with the same parameters, but
 * that inputs are brought 15 bits up. Zero points are 0.
 *
 * Rounding: double, all three; shifts are -31 .. 0. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost: about 45 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_ADD_S16_H
#define MCUQ_ADD_S16_H

#include "mcuq_add_s8.h"

void mcuq_add_s16(const mcuq_add_s8_params *params, const int16_t *input1, const int16_t *input2, int16_t *output);

/* in1 - in2 */
void mcuq_sub_s16(const mcuq_add_s8_params *params, const int16_t *input1, const int16_t *input2, int16_t *output);

#endif
