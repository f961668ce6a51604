/* 2-D convolutions of float32, any stride, dilation and padding. A fully connected layer is a row of pixels, each a window.
 *
 * mcuq_conv_2d_f32 (grouped or not): out[n,y,x,o] = clamp(sum + bias[o]),
 *   sum over ky, kx, i, in this order, of in[n, y*stride+ky*dilation-pad, ..., i] * weights[o,ky,kx,i]
 * mcuq_depthwise_conv_2d_f32: a group for each input channel, o = i * multiplier + j; filter_channels is 1;
 *   the output's own memory holds the sums
 *
 * Rounding: each product and each sum once, in this order. Layouts: activations NHWC, weights OHWI, of a depthwise
 * convolution HWO. Scratch: none.
 * Cost with an FPU: about 5 instructions a product where four outputs of a group go together, 9 otherwise; without one,
 * about 150.
 */
#ifndef MCUQ_CONV_2D_F32_H
#define MCUQ_CONV_2D_F32_H

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
    float activation_min;
    float activation_max;
} mcuq_conv_2d_f32_params;

void mcuq_conv_2d_f32(const mcuq_conv_2d_f32_params *params, const float *input, const float *weights, const float *bias,
                      float *output);
void mcuq_depthwise_conv_2d_f32(const mcuq_conv_2d_f32_params *params, const float *input, const float *weights,
                                const float *bias, float *output);

#endif
