/* Transposed 2-D convolution of int8 activations with int8 weights, any stride and padding.
 *
 * out[n,y,x,o] = clamp(output_offset + requantize_double(acc, multipliers[o], shifts[o]))
 * acc = bias[o] + sum of (in[n,iy,ix,i] + input_offset) * weights[o,ky,kx,i] over i and all taps ky, kx with
 * y = iy*stride_height + ky - pad_top and x = ix*stride_width + kx - pad_left for a pixel iy, ix of the input.
 *
 * Each output pixel gathers its taps, so no sums are kept. Layouts: activations NHWC, weights OHWI. Rounding: double.
 * Scratch: none. Cost: about 7 instructions a multiply-accumulate on a Cortex-M4.
 */
#ifndef MCUQ_TRANSPOSE_CONV_S8_H
#define MCUQ_TRANSPOSE_CONV_S8_H

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
    int32_t input_offset;  /* minus the input's zero point */
    int32_t output_offset; /* the output's zero point */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_transpose_conv_s8_params;

void mcuq_transpose_conv_s8(const mcuq_transpose_conv_s8_params *params, const int8_t *input, const int8_t *weights,
                            const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int8_t *output);

#endif
