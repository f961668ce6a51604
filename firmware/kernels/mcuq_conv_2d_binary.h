/* 2-D convolution of activations of two values with weights of two values, by counting bits in plain C.
 *
 * The input holds only its zero point z and z + 1; the weights of an output channel are low or low + step. So
 *
 * acc = bias[o] + low[o] * (inputs that are z + 1) + step[o] * (those of them whose weight is low + step)
 * out[n,y,x,o] = clamp(output_offset + requantize_double(acc, multipliers[o], shifts[o]))
 *
 * Taps outside the input add nothing. For each pixel of the input the channels that are z + 1 are listed once; a
 * window's lists are joined, and each entry picks a word: one bit for each of 32 output channels, which are counted at once
 * (mcuq_count_bits.h); what is z costs nothing.
 *
 * Layouts: activations NHWC; bits [groups of 32 outputs][ky, kx, i, and a word of zeros]. Channels: 256 at most;
 * window_height * window_width * channels: 65520 at most. Dilation: none. Rounding: double. Scratch, 2-byte aligned:
 * 2 bytes for each pixel of the input, 2 for each weight of an output and 15 more, then 1 for each activation of the
 * input and 3 more. The output may lie in the input's place: it is read first.
 * Cost on a Cortex-M4: about 10 cycles for 32 products whose activation is z + 1, 33 for an output (line) or 45; half as much
 * again on a Cortex-M0.
 */
#ifndef MCUQ_CONV_2D_BINARY_H
#define MCUQ_CONV_2D_BINARY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t window_height;
    int32_t window_width;
    int32_t output_height;
    int32_t output_width;
    int32_t output_channels;
    int32_t stride_height;
    int32_t stride_width;
    int32_t pad_top;
    int32_t pad_left;
    int32_t zero_point; /* the input's */
    int32_t output_offset;
    bool line; /* outputs are by mcuq_count_line, the zero point included */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_conv_2d_binary_params;

/* outputs: for each output bias, low, step, multiplier, and how far is shifted right. What is shifted left
 * (shift > 0) has bias, low and step shifted so already. Those of a line: mcuq_count_bits.h. */
void mcuq_conv_2d_binary(const mcuq_conv_2d_binary_params *params, const int8_t *input, const uint32_t *bits,
                         const int32_t *outputs, uint16_t *scratch, int8_t *output);

#endif
