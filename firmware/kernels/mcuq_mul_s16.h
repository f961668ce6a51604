/* Product of two int16 tensors, with broadcasting: as mcuq_mul_s8.h has it of int8, with the same parameters. Zero points
 * are 0, and output_shift is at most 0.
 *
 * Rounding: double. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost: about 30 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_MUL_S16_H
#define MCUQ_MUL_S16_H

#include "mcuq_mul_s8.h"

void mcuq_mul_s16(const mcuq_mul_s8_params *params, const int16_t *input1, const int16_t *input2, int16_t *output);

#endif
