/* Softmax of int8 rows to int8 with scale 1/256 and zero point -128.
 *
 * With d = max(row) - in and e = exponentials[d] (Q0.31, 0 for what is too small to count):
 * sum = sum of round(e / 2^12) over the row (Q12.19); r = 1 / sum by three Newton steps, normalised to Q0.31;
 * out = clamp(round(e * r / 2^k) - 128)
 *
 * exponentials: up to 256 values, computed offline from the input's scale and beta by LiteRT's fixed-point arithmetic;
 * those less than 2^11 change nothing, and are left out.
 * A row has 1 .. 4095 elements. Layouts: rows of row_size elements, one behind the other; input may be output.
 * Scratch: none. Cost: about 35 instructions an element and 80 a row on a Cortex-M4.
 */
#ifndef MCUQ_SOFTMAX_S8_H
#define MCUQ_SOFTMAX_S8_H

#include <stdint.h>

void mcuq_softmax_s8(const int32_t *exponentials, int32_t entries, int32_t rows, int32_t row_size, const int8_t *input,
                     int8_t *output);

#endif
