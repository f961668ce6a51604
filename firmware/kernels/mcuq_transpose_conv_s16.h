/* Transposed 2-D convolution of int16 activations with int8 weights, any stride and padding.
 *
 * out[n,y,x,o] = clamp(requantize_wide(acc, multipliers[o], shifts[o]))
 * acc = bias[o] + sum of in[n,iy,ix,i] * weights[o,ky,kx,i], in 64 bits, over i and all taps ky, kx with
 * y = iy*stride_height + ky - pad_top and x = ix*stride_width + kx - pad_left for a pixel iy, ix of the input.
 * Zero points are 0.
 *
 * Each output pixel gathers its taps, so no sums are kept. Layouts: activations NHWC, weights OHWI. Rounding: once, by the
 * upper 16 bits of the multiplier (mcuq_requantize.h). Scratch: none.
 * Cost: about 9 instructions a multiply-accumulate on a Cortex-M4.
 */
#ifndef MCUQ_TRANSPOSE_CONV_S16_H
#define MCUQ_TRANSPOSE_CONV_S16_H

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
    int32_t activation_min;
    int32_t activation_max;
} mcuq_transpose_conv_s16_params;

void mcuq_transpose_conv_s16(const mcuq_transpose_conv_s16_params *params, const int16_t *input, const int8_t *weights,
                             const int64_t *bias, const int32_t *multipliers, const int32_t *shifts, int16_t *output);

#endif
