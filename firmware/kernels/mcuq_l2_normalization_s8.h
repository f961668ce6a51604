/* Rows of int8 divided by their Euclidean norm, to int8 with scale 1/128 and zero point 0.
 *
 * x = in + input_offset; out = clamp(requantize(x, 128 / sqrt(sum of x^2 over the row))) to -128 .. 127
 * The inverse root by five Newton steps in Q3.28, from 1; a sum of 0 counts as 1. Rounding: double.
 * Layouts: rows of row_size elements (1 .. 33025), one behind the other; input may be output. Scratch: none.
 * Cost: about 25 instructions an element and 250 a row on a Cortex-M4.
 */
#ifndef MCUQ_L2_NORMALIZATION_S8_H
#define MCUQ_L2_NORMALIZATION_S8_H

#include <stdint.h>

void mcuq_l2_normalization_s8(int32_t input_offset, int32_t rows, int32_t row_size, const int8_t *input,
                              int8_t *output);

#endif
