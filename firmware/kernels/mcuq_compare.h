/* Comparisons of two tensors, with broadcasting: a bool, a byte of 0 or 1, for each pair.
 *
 * out = greater where x1 > x2, equal where x1 == x2, less where x1 < x2; each is 0 or 1 and they make the comparison:
 * 0, 1, 1 for instance is "less or equal".
 *
 * mcuq_compare_s8: x = requantize((in + offset) * 2^8, multiplier, shift) for int8; with LiteRT's constants the
 * real value in 256ths. Rounding: double; shifts are -31 .. 0. A bool is a byte, too.
 * mcuq_compare_s32: x = in for int32.
 *
 * Layouts: any, see mcuq_broadcast.h. Scratch: none. An output may be an input of bytes that is not repeated.
 * Cost: about 30 instructions an element for int8 on a Cortex-M4, 12 for int32.
 */
#ifndef MCUQ_COMPARE_H
#define MCUQ_COMPARE_H

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops;
    int32_t less;
    int32_t equal;
    int32_t greater;
    int32_t input1_offset; /* minus the first input's zero point */
    int32_t input1_multiplier;
    int32_t input1_shift;
    int32_t input2_offset; /* minus the second input's zero point */
    int32_t input2_multiplier;
    int32_t input2_shift;
} mcuq_compare_params;

void mcuq_compare_s8(const mcuq_compare_params *params, const void *input1, const void *input2, void *output);

/* Of the parameters only the loops and the three answers are read. */
void mcuq_compare_s32(const mcuq_compare_params *params, const int32_t *input1, const int32_t *input2, void *output);

#endif
