/* Fully connected layer of activations of two values with weights of two values, by counting bits in plain C.
 *
 * The input holds only its zero point z and z + 1; the weights of an output are low or low + step. So
 *
 * acc = bias[o] + low[o] * (inputs of the row that are z + 1) + step[o] * (those of them whose weight is low + step)
 * out[n,o] = clamp(output_offset + requantize_single(acc, multipliers[o], shifts[o]))
 *
 * The inputs of a row that are z + 1 are listed; each picks a word: one bit for each of 32 outputs (mcuq_count_bits.h).
 *
 * Layouts: activations in rows of depth, 65520 at most; bits [groups of 32 outputs][i, and a word of zeros].
 * Rounding: single. Scratch, 2-byte aligned: 2 bytes for each input of a row and 15 more. The output may lie in the input's
 * place where there is one row: it is read first.
 * Cost on a Cortex-M4: about 6 cycles an input, 10 for 32 products whose activation is z + 1, 60 for an output;
 * half as much again on a Cortex-M0.
 */
#ifndef MCUQ_FULLY_CONNECTED_BINARY_H
#define MCUQ_FULLY_CONNECTED_BINARY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t depth;
    int32_t outputs;
    int32_t zero_point; /* the input's */
    int32_t output_offset;
    bool line; /* outputs are by mcuq_count_line, the zero point included */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_fully_connected_binary_params;

/* outputs: for each output bias, low, step, multiplier, shift; those of a line: mcuq_count_bits.h. */
void mcuq_fully_connected_binary(const mcuq_fully_connected_binary_params *params, const int8_t *input,
                                 const uint32_t *bits, const int32_t *outputs, uint16_t *scratch, int8_t *output);

#endif
