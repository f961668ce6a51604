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
 * Output pixels are computed two at a time, in order; block_pairs pairs are gathered at once, before any of their outputs
 * is written. With windows of one pixel, a stride of 1 and no padding blocks may go from the last to the first: then the
 * output may lie over the input where it starts, or after that, as long as pixels do not shrink. Scratch: the activations of
 * both pixels of each pair as int16, a pair of the first's, one of the second's, in turn: 8 bytes for each pair; behind
 * them two runs of int8, used where a part of a run is padding.
 * Where all windows lie inside the input, a run is a whole row of the window. A small input with padding is made such a
 * one: mcuq_pad_s8 copies it, with its padding, to the start of scratch, and input points there; the activations are
 * gathered work_start elements behind it.
 * Cost on a Cortex-M4: 1.0 cycle a product and about 9 an output; 1.8 for each activation of a pixel.
 *
 * MCUQ_CONV_2D_S8_COLUMNS(name, unrolled, exact, form) defines a function mcuq_conv_2d_s8_columns_name with the literals
 * that it names, see mcuq_gemm_dsp.h.
 */
#ifndef MCUQ_CONV_2D_S8_COLUMNS_H
#define MCUQ_CONV_2D_S8_COLUMNS_H

#include <stdint.h>

#include "mcuq_gemm_dsp.h"

typedef struct {
    mcuq_gemm_params gemm;
    int32_t pixels; /* of the output, all images */
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
    int32_t zero_point;  /* the input's */
    int32_t first_pixel; /* of the block that is computed first: 0, or the last block's */
    int32_t block_step;  /* pixels from a block to the next: 2 * block_pairs, or minus that from the last to the first */
    int32_t work_start;  /* elements of scratch before the gathered activations */
    bool inside;         /* all windows lie inside the input, and runs are rows of multiples of 4 */
} mcuq_conv_2d_s8_columns_params;

/* An output pixel: its image, where its window starts in it, and its column and row. */
typedef struct {
    const int8_t *image;
    int32_t top;
    int32_t left;
    int32_t x;
    int32_t y;
} mcuq_conv_2d_s8_columns_pixel;

/* Gathers the activations of the block of pixels that begins with pixel first, which is here unless blocks go backwards,
 * and moves here behind them. Returns how many pixels these are. */
int32_t mcuq_conv_2d_s8_columns_gather(const mcuq_conv_2d_s8_columns_params *params, const int8_t *input,
                                       int32_t first, mcuq_conv_2d_s8_columns_pixel *here, int16_t *work);

MCUQ_ALWAYS_INLINE void mcuq_conv_2d_s8_columns_as(const mcuq_conv_2d_s8_columns_params *params, const int8_t *input,
                                                   const int32_t *packed, int16_t *scratch, int8_t *output,
                                                   const int32_t unrolled, const int32_t exact, const int32_t form)
{
    const mcuq_gemm_code code = {4, 8, unrolled, exact, form};
    const mcuq_gemm_plan plan = mcuq_gemm_prepare_for(&params->gemm, unrolled);
    mcuq_conv_2d_s8_columns_pixel here = {input, -params->pad_top, -params->pad_left, 0, 0};
    int16_t *const work = &scratch[params->work_start];
    int32_t first = params->first_pixel;
    int32_t left = params->pixels;
    while (left > 0) {
        const int32_t count = mcuq_conv_2d_s8_columns_gather(params, input, first, &here, work);
        mcuq_gemm_run_as(&params->gemm, &plan, packed, work, count, code, 8U * plan.pairs, 1,
                         &output[first * plan.pitch]);
        first += params->block_step;
        left -= count;
    }
}

#define MCUQ_CONV_2D_S8_COLUMNS(name, unrolled, exact, form)                                                           \
    static __attribute__((noinline)) void mcuq_conv_2d_s8_columns_##name(                                              \
        const mcuq_conv_2d_s8_columns_params *params, const int8_t *input, const int32_t *packed, int16_t *scratch,    \
        int8_t *output)                                                                                                \
    {                                                                                                                  \
        mcuq_conv_2d_s8_columns_as(params, input, packed, scratch, output, unrolled, exact, form);                     \
    }

/* The function that runs all layers. */
void mcuq_conv_2d_s8_columns(const mcuq_conv_2d_s8_columns_params *params, const int8_t *input, const int32_t *packed,
                             int16_t *scratch, int8_t *output);

#endif
