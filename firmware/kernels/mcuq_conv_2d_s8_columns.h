/* 2-D convolution of int8 activations with packed int8 weights for cores with the DSP extension: any window, stride,
 * padding and dilation, no groups. Best for windows of one pixel.
 *
 * out[n,y,x,o] = requantize(bias[o] + sum over ky,kx,i of
 *                           in[n, y*stride+ky*dilation-pad, x*stride+kx*dilation-pad, i] * w[o,ky,kx,i])
 * The bias holds the input's zero point, which is also what padding is. Requantization and packed weights:
 * mcuq_gemm_dsp.h; the activations of an output are in the order ky, kx, i, and an odd count is filled up by one. They
 * come in runs: the window's row, or the channels of one tap where the window is dilated. Shuffled when a run is a
 * multiple of 4.
 *
 * Output pixels are computed two at a time, in order. Scratch: the activations of both as int16, a pair of the first's,
 * one of the second's, in turn: 8 bytes for each pair; behind them two runs of int8, used where a part of a run is
 * padding.
 * Cost on a Cortex-M4: 1.0 cycle a product and about 8 an output; 2 for each activation of a pixel.
 */
#ifndef MCUQ_CONV_2D_S8_COLUMNS_H
#define MCUQ_CONV_2D_S8_COLUMNS_H

#include <stdint.h>

#include "mcuq_gemm_dsp.h"

typedef struct {
    mcuq_gemm_params gemm;
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t window_height;
    int32_t window_width;
    int32_t output_height;
    int32_t output_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t pad_top;
    int32_t pad_left;
    int32_t run_columns; /* columns of a run: window_width, or 1 when dilated */
    int32_t zero_point; /* the input's */
} mcuq_conv_2d_s8_columns_params;

void mcuq_conv_2d_s8_columns(const mcuq_conv_2d_s8_columns_params *params, const int8_t *input, const int32_t *packed,
                             int16_t *scratch, int8_t *output);

#endif
