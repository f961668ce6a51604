/* Sum of bytes over any axes, rescaled: LiteRT's SUM of int8, which reads and writes the bytes as 0 .. 255.
 *
 * out = clamp(output_offset + requantize_double(sum_offset + sum of in, multiplier, shift)) to 0 .. 255
 * Loops: see mcuq_reduction.h. sum_offset is minus the input's zero point times the count. Scratch: none.
 * Cost: about 6 instructions an input element on a Cortex-M4, and 40 an output.
 */
#ifndef MCUQ_SUM_U8_H
#define MCUQ_SUM_U8_H

#include "mcuq_reduction.h"

typedef struct {
    mcuq_reduction loops;
    int32_t sum_offset;
    int32_t multiplier;
    int32_t shift;
    int32_t output_offset; /* the output's zero point */
} mcuq_sum_u8_params;

void mcuq_sum_u8(const mcuq_sum_u8_params *params, const void *input, void *output);

#endif
