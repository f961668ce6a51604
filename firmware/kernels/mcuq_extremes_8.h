/* The greater and the lesser of two bytes, with broadcasting: MAXIMUM and MINIMUM of int8, LOGICAL_OR and LOGICAL_AND.
 *
 * out = max(in1, in2) and min(in1, in2), read as int8. A bool is a byte of 0 or 1.
 * Layouts: any, see mcuq_broadcast.h. Scratch: none. An output may be an input only where that input is not repeated.
 * Cost: about 8 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_EXTREMES_8_H
#define MCUQ_EXTREMES_8_H

#include "mcuq_broadcast.h"

void mcuq_maximum_8(const mcuq_broadcast *loops, const void *input1, const void *input2, void *output);

void mcuq_minimum_8(const mcuq_broadcast *loops, const void *input1, const void *input2, void *output);

#endif
