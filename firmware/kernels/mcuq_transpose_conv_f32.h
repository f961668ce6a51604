/* Transposed 2-D convolution of float32.
 *
 * out[n,y,x,o] = clamp(sum + bias[o]), sum of in[n,iy,ix,i] * weights[o,ky,kx,i] over iy, ix, i, in this order, with
 * ky = y + pad_top - iy*stride_height and kx = x + pad_left - ix*stride_width inside the window
 *
 * Rounding: each product and each sum once. Layouts: activations NHWC, weights OHWI. Scratch: none.
 * Cost with an FPU: about 9 instructions a product.
 */
#ifndef MCUQ_TRANSPOSE_CONV_F32_H
#define MCUQ_TRANSPOSE_CONV_F32_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t input_channels;
    int32_t filter_height;
    int32_t filter_width;
    int32_t output_height;
    int32_t output_width;
    int32_t output_channels;
    int32_t stride_height;
    int32_t stride_width;
    int32_t pad_top;
    int32_t pad_left;
    float activation_min;
    float activation_max;
} mcuq_transpose_conv_f32_params;

void mcuq_transpose_conv_f32(const mcuq_transpose_conv_f32_params *params, const float *input, const float *weights,
                             const float *bias, float *output);

#endif
