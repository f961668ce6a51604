/* Fully connected layer of int8 activations and int8 weights on Helium (MVE).
 *
 * out[n,c] = clamp((((acc << left_shift) + offset[c]) * multiplier[c] >> 32) >> right_shift)
 * acc = sum over k of in[n,k] * weights[c][k]
 * Bias and zero points are in offset. That this is LiteRT's single rounding for every input is proven offline
 * (mcuq/kernels/fast_requantize.py).
 *
 * Layouts: activations in rows of depth; the stream holds for each four channels their weights (for each 16 positions the
 * four channels after each other, past the depth zeros) and offset[4], multiplier[4];
 * mcuq_weights_mve.h has the layouts of narrower weights.
 * Rounding: single. Scratch: 16 * vectors bytes where depth is not a multiple of 16, else none.
 * Cost on a Cortex-M55: 9.5 instructions for each 64 products, and about 25 for each four outputs.
 */
#ifndef MCUQ_FULLY_CONNECTED_MVE_H
#define MCUQ_FULLY_CONNECTED_MVE_H

#include <stdint.h>

#include "mcuq_weights_mve.h"

typedef struct {
    int32_t batches;
    int32_t depth;
    int32_t vectors;
    int32_t outputs;
    int32_t left_shift;
    int32_t right_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_fully_connected_mve_params;

void mcuq_fully_connected_mve(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                              const int32_t *stream, void *scratch, int8_t *output);
void mcuq_fully_connected_mve_int4(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                   const int32_t *stream, void *scratch, int8_t *output);
void mcuq_fully_connected_mve_int2(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                   const int32_t *stream, void *scratch, int8_t *output);
void mcuq_fully_connected_mve_palette16(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                        const int32_t *stream, void *scratch, int8_t *output);
void mcuq_fully_connected_mve_palette4(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                       const int32_t *stream, void *scratch, int8_t *output);

#endif
