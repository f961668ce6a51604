/* Greatest or least byte over any axes: REDUCE_MAX and REDUCE_MIN of int8, REDUCE_ANY and REDUCE_ALL of bool.
 *
 * out = flip ^ (the greatest of flip ^ in), read as int8: flip 0 makes the greatest, -1 the least. Loops: see
 * mcuq_reduction.h. A bool is a byte of 0 or 1.
 * Layouts: any. Scratch: none. Cost: about 7 instructions an input element on a Cortex-M4.
 */
#ifndef MCUQ_REDUCE_EXTREME_8_H
#define MCUQ_REDUCE_EXTREME_8_H

#include "mcuq_reduction.h"

void mcuq_reduce_extreme_8(const mcuq_reduction *loops, int32_t flip, const void *input, void *output);

#endif
