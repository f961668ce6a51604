/* Fully connected layer of int8 rows and a constant int8 matrix for cores without the DSP extension: four outputs at once.
 *
 * out[n,o] = requantize(sum over i of in[n,i] * weights[o,i]), clamped
 * Four weights lie in one word, those of four outputs for one input, each plus 128, and are multiplied as in
 * mcuq_triples.h, but by one input.
 *
 * Constants of an output:
 *   line:         constant, multiplier     (constant + (sum * multiplier >> 20)) >> shift
 *   rounded once: bias, multiplier, shift  output_offset + requantize_single(bias + sum, multiplier, shift)
 * The line, with which the output's zero point is in the constant, is proven to give LiteRT's bytes when code is
 * generated (mcuq/kernels/plain.py).
 * Stream: for each four outputs a word of weights for each of the depth's inputs, rounded up to a multiple of 4, then
 * the constants of the four. Outputs past the last are zeros.
 * Scratch: the inputs as int32, rounded up to a multiple of 4.
 * Cost on a Cortex-M0: 3.8 cycles a product, about 60 an output (line); on a Cortex-M3 3.5, 35.
 */
#ifndef MCUQ_FULLY_CONNECTED_S8_FOURS_H
#define MCUQ_FULLY_CONNECTED_S8_FOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_high_multiply.h"
#include "mcuq_requantize.h"

typedef struct {
    int32_t batches;
    int32_t depth;
    int32_t outputs;
    int32_t shift; /* the line's */
    int32_t output_offset;
    bool line; /* else rounded once */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_fully_connected_s8_fours_params;

void mcuq_fully_connected_s8_fours(const mcuq_fully_connected_s8_fours_params *params, const int8_t *input,
                                   const int32_t *stream, int32_t *scratch, int8_t *output);

/* With weights of a palette. Stream: 16 or 4 int8, then for each four outputs their codes, those of an input side by side,
 * lowest first, in so many whole words; then their constants. Scratch: also a table of weights of two outputs, 1,024 B or
 * 64 B. Cost on a Cortex-M0 and M3: 5.5 cycles a product; 2,500 for the larger table. */
void mcuq_fully_connected_fours_palette16(const mcuq_fully_connected_s8_fours_params *params, const int8_t *input,
                                          const int32_t *stream, int32_t *scratch, int8_t *output);
void mcuq_fully_connected_fours_palette4(const mcuq_fully_connected_s8_fours_params *params, const int8_t *input,
                                         const int32_t *stream, int32_t *scratch, int8_t *output);

/* An output from its sum. */
static inline int8_t mcuq_fully_connected_fours_output(const mcuq_fully_connected_s8_fours_params *p, int32_t sum,
                                                       const int32_t *constants)
{
    int32_t value;
    if (p->line) {
        value = (constants[0] + mcuq_multiply_shift_20(sum, constants[1])) >> p->shift;
    } else {
        value = p->output_offset + mcuq_requantize_single(constants[0] + sum, constants[1], constants[2]);
    }
    return (int8_t)mcuq_clamp(value, p->activation_min, p->activation_max);
}

#endif
