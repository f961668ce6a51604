/* 2-D convolution of int8 activations with int8 weights, grouped or not, any stride, dilation and padding.
 *
 * out[n,y,x,o] = clamp(output_offset + requantize_double(acc, multipliers[o], shifts[o]))
 * acc = bias[o] + sum over ky,kx,i of (in[n, y*stride+ky*dilation-pad, ..., i] + input_offset) * weights[o,ky,kx,i]
 * Taps outside the input add nothing (they are the input's zero point).
 *
 * Layouts: activations NHWC, weights OHWI. Rounding: double. Scratch: none.
 * Cost: about 7 instructions a multiply-accumulate on a Cortex-M4.
 */
#ifndef MCUQ_CONV_2D_S8_H
#define MCUQ_CONV_2D_S8_H

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
    int32_t output_pitch;    /* from a pixel to the next: output_channels or more */
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t pad_top;
    int32_t pad_left;
    int32_t input_offset;  /* minus the input's zero point */
    int32_t output_offset; /* the output's zero point */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_conv_2d_s8_params;

void mcuq_conv_2d_s8(const mcuq_conv_2d_s8_params *params, const int8_t *input, const int8_t *weights,
                     const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int8_t *output);

#endif
