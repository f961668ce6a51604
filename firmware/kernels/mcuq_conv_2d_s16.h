/* 2-D convolution of int16 activations with int8 weights, grouped or not, any stride, dilation and padding; depthwise
 * convolutions (a group for each input channel) and fully connected layers (a row of pixels, each a window) among them.
 *
 * out[n,y,x,o] = clamp(requantize(acc, multipliers[o], shifts[o]))
 * acc = bias[o] + sum over ky,kx,i of in[n, y*stride+ky*dilation-pad, ..., i] * weights[o,ky,kx,i], in 64 bits
 * Zero points are 0. Requantization rounds once, half up, by the upper 16 bits of the multiplier (sums of up to 48 bits), or
 * by the whole multiplier (sums of up to 33 bits), as fully connected layers do.
 *
 * Layouts: activations NHWC, weights OHWI. Scratch: none.
 * Cost: about 8 instructions a multiply-accumulate on a Cortex-M4.
 */
#ifndef MCUQ_CONV_2D_S16_H
#define MCUQ_CONV_2D_S16_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t input_channels;
    int32_t filter_height;
    int32_t filter_width;
    int32_t filter_channels; /* input_channels / groups */
    int32_t output_height;
    int32_t output_width;
    int32_t output_channels;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t pad_top;
    int32_t pad_left;
    int32_t whole_multiplier; /* 1: requantize by the whole multiplier; 0: by its upper half */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_conv_2d_s16_params;

void mcuq_conv_2d_s16(const mcuq_conv_2d_s16_params *params, const int16_t *input, const int8_t *weights,
                      const int64_t *bias, const int32_t *multipliers, const int32_t *shifts, int16_t *output);

#endif
