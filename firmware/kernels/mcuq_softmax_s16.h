/* Softmax of int16 rows to int16 with scale 1/32768 and zero point 0.
 *
 * Both functions are tables of 513 values at equal distances, between which lines are drawn: exponentials from -10 to 0,
 * reciprocals 1 / (1 + x) from 0 to 1, each in Q0.15 and computed offline. e = exp of requantize(in - max(in)), whose step is
 * 10 / 65535; the sum of the e, normalised to 1 .. 2, gives the reciprocal r; out = clamp(round(e * r / 2^k)).
 *
 * multiplier and shift are the requantization's, shift -31 .. 15; a row has 1 .. 4095 elements. Rounding: double.
 * Layouts: rows of row_size elements, one behind the other; input may be output.
 * Scratch: none. Cost: about 50 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_SOFTMAX_S16_H
#define MCUQ_SOFTMAX_S16_H

#include <stdint.h>

typedef struct {
    int32_t multiplier;
    int32_t shift;
    int32_t rows;
    int32_t row_size;
} mcuq_softmax_s16_params;

void mcuq_softmax_s16(const mcuq_softmax_s16_params *params, const int16_t *exponentials, const int16_t *reciprocals,
                      const int16_t *input, int16_t *output);

#endif
