/* Products of int8 activations with int8 weights on Helium (MVE): columns with all output channels, two at a time.
 *
 * out[c] = clamp(output_offset + round(t / 2^-shift[c])), t = round_half_up(acc * multiplier[c] / 2^31)
 * acc = bias[c] + sum over k of x[k] * weights[c][k]
 * round is half away from zero: LiteRT's double rounding. With relu (a clamp to -128 .. 127 with an output_offset of -128)
 * it is half up, which differs only below zero, where the clamp makes both -128.
 * The input's zero point is in the bias. Shifts are -31 .. 0, without relu -31 .. -1.
 *
 * Layouts: a column is 16 * vectors bytes, those past its end have weights of 0. The stream holds for each four channels
 * their weights (for each 16 positions the four channels after each other) and bias[4], multiplier[4], shift[4];
 * mcuq_weights_mve.h has the layouts of narrower weights.
 * Outputs of a column follow each other, and those of the next column follow them. Scratch: none.
 * Cost on a Cortex-M55: 15 instructions for each 128 products, and about 35 for each eight outputs; with
 * int4 and int2 as many, and 10 more for eight outputs and 4 for each 32 activations; palette16 20 for each 128, palette4 21.
 */
#ifndef MCUQ_GEMM_MVE_H
#define MCUQ_GEMM_MVE_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_weights_mve.h"

typedef struct {
    int32_t vectors;
    int32_t channels;
    bool relu;
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_gemm_mve_params;

/* count columns, distance bytes apart. */
void mcuq_gemm_mve(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                   const int32_t *stream, int8_t *output);
void mcuq_gemm_mve_int4(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                        const int32_t *stream, int8_t *output);
void mcuq_gemm_mve_int2(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                        const int32_t *stream, int8_t *output);
void mcuq_gemm_mve_palette16(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                             const int32_t *stream, int8_t *output);
void mcuq_gemm_mve_palette4(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                            const int32_t *stream, int8_t *output);

MCUQ_WEIGHTS_INLINE void mcuq_gemm_mve_of(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance,
                                          int32_t count, const int32_t *stream, int8_t *output, const mcuq_weights kind)
{
    if (kind == mcuq_weights_int8) {
        mcuq_gemm_mve(params, first, distance, count, stream, output);
    } else if (kind == mcuq_weights_int4) {
        mcuq_gemm_mve_int4(params, first, distance, count, stream, output);
    } else if (kind == mcuq_weights_int2) {
        mcuq_gemm_mve_int2(params, first, distance, count, stream, output);
    } else if (kind == mcuq_weights_palette16) {
        mcuq_gemm_mve_palette16(params, first, distance, count, stream, output);
    } else {
        mcuq_gemm_mve_palette4(params, first, distance, count, stream, output);
    }
}

#endif
