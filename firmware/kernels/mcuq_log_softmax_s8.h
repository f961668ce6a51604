/* Logarithm of the softmax of int8 rows, to int8 with scale 1/16 and zero point 127.
 *
 * With d = in - max(row), x(d) = requantize(d, multiplier, shift) in Q5.26 and e(-d) = exponentials[-d], exp(x) in
 * Q0.31 (0 for what is too small to count): sum = sum of round(e / 2^12) over the row (Q12.19); l = log(sum) in Q5.26;
 * out = clamp(round((x(d) - l) / 2^22) + 127) to -128 .. 127, and -128 where x or x - l leaves Q5.26:
 * d <= max(least_difference - 1, requantize(l - 2^31, reverse_multiplier, reverse_shift))
 *
 * Rounding: double. The logarithm is LiteRT's quotient of polynomials in fixed point. A row has 1 .. 4095 elements.
 * Layouts: rows of row_size elements, one behind the other; input may be output. Scratch: none.
 * Cost: about 35 instructions an element and 200 a row on a Cortex-M4.
 */
#ifndef MCUQ_LOG_SOFTMAX_S8_H
#define MCUQ_LOG_SOFTMAX_S8_H

#include <stdint.h>

typedef struct {
    int32_t rows;
    int32_t row_size;
    int32_t entries; /* of exponentials */
    int32_t multiplier;
    int32_t shift;
    int32_t reverse_multiplier;
    int32_t reverse_shift;
    int32_t least_difference;
} mcuq_log_softmax_s8_params;

void mcuq_log_softmax_s8(const mcuq_log_softmax_s8_params *params, const int32_t *exponentials, const int8_t *input,
                         int8_t *output);

#endif
