/* Quotient rounded down, and its remainder, of the bytes of two int8 tensors, with broadcasting: FLOOR_DIV, FLOOR_MOD.
 *
 * out = floor(in1 / in2) modulo 256, and in1 - in2 * floor(in1 / in2), without scales and zero points. A divisor of 0
 * counts as 1. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost: about 20 instructions an element on a Cortex-M4; on Armv6-M division is a library call.
 */
#ifndef MCUQ_FLOOR_DIV_S8_H
#define MCUQ_FLOOR_DIV_S8_H

#include "mcuq_broadcast.h"

void mcuq_floor_div_s8(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output);

void mcuq_floor_mod_s8(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
