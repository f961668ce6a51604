/* Depthwise 2-D convolution of int8 activations with a multiplier of 1 and without dilation, on Helium (MVE).
 *
 * out[y,x,c] = clamp(output_offset + round(t / 2^-shift[c])), t = round_half_up(acc * multiplier[c] / 2^31)
 * acc = bias[c] + sum over taps of in[tap, c] * weights[tap, c]; rounding as in mcuq_requantize_mve.h
 * The input's zero point is in the bias.
 *
 * 16 channels advance together. Products of two taps are added in 16 bits, so a channel's two weights of a pair must not
 * exceed 255 in magnitude together (checked offline), and their sums in 32 bits.
 *
 * Layouts: activations NHWC. The stream holds for each 16 channels bias[16], the weights of each tap in the order of
 * column, row (16 bytes each, a channel beyond the last has 0), and four times multiplier[4], shift[4]. The order of
 * channels in bias, multiplier and shift is 0, 4, 8, 12, then 2, 6, 10, 14, then 1, 5, 9, 13, then 3, 7, 11, 15.
 * Every input row that an output row needs has been copied before that row is written.
 * Scratch: the buffer's (mcuq_window_mve.h), and 16 bytes that a last vector may reach past it.
 * Cost on a Cortex-M55: 11 instructions for 16 products, and about 45 for 16 outputs.
 */
#ifndef MCUQ_DEPTHWISE_CONV_2D_MVE_H
#define MCUQ_DEPTHWISE_CONV_2D_MVE_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_window_mve.h"

typedef struct {
    mcuq_window_mve window;
    int32_t batches;
    int32_t taps;
    int32_t output_height;
    int32_t output_width;
    int32_t stride_width;
    bool relu; /* a clamp to -128 .. 127 with an output_offset of -128 */
    int32_t output_offset;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_depthwise_conv_2d_mve_params;

void mcuq_depthwise_conv_2d_mve(const mcuq_depthwise_conv_2d_mve_params *params, const int8_t *input,
                                const int32_t *stream, void *scratch, int8_t *output);

#endif
