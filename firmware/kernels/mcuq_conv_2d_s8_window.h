/* 2-D convolution of int8 activations with packed int8 weights for cores with the DSP extension: windows of more than
 * one pixel, any stride and padding, no dilation, no groups.
 *
 * out[n,y,x,o] = requantize(bias[o] + sum over ky,kx,i of in[n, y*stride+ky-pad, x*stride+kx-pad, i] * w[o,ky,kx,i])
 * The bias holds the input's zero point. Requantization and packed weights: mcuq_gemm_dsp.h. The activations of an
 * output, in the order of the weights: kx, then ky, then i (shuffled when the channels are a multiple of 4; 0, 2, 1 when they are 3).
 *
 * Scratch: the input rows under the window as int16, column by column: columns x window_height x channels. A window is
 * then one contiguous run, and the next window of the row starts stride_width columns on. To move down by stride_height
 * rows, the whole buffer's start moves on by so many rows of one column: what were rows 1, 2 .. of a column become rows
 * 0, 1 .., and each column's last rows, which lie where the next column's first ones were, are written anew.
 * After slack_moves moves the buffer is copied back to the start of scratch.
 * Scratch bytes: 2 * (window_height * channels * (columns + stride_width) + slack_moves * move + 16), see
 * mcuq/kernels/mcuq_conv_2d_window.py. Padding is columns and rows of the zero point.
 *
 * The output may overlap the input as long as no input row is overwritten before the window has reached it: all rows of
 * the window are copied before an output row is written.
 *
 * Two pixels are computed at once, and the distance in bytes between their windows is a literal in the code:
 * MCUQ_CONV_2D_S8_WINDOW(name, distance, unrolled, exact, form) defines mcuq_conv_2d_s8_window_name for one distance,
 * 2 * stride_width * window_height * channels for neighbours, and the literals of mcuq_gemm_dsp.h. Layers whose windows
 * lie closer can share it: they pair pixels that are spread apart.
 * Cost on a Cortex-M4: 1.0 cycle a product and about 8 an output, 2 an input element.
 */
#ifndef MCUQ_CONV_2D_S8_WINDOW_H
#define MCUQ_CONV_2D_S8_WINDOW_H

#include <stdint.h>

#include "mcuq_gemm_dsp.h"

typedef struct {
    mcuq_gemm_params gemm;
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t window_height;
    int32_t output_height;
    int32_t output_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t pad_top;
    int32_t pad_left;
    int32_t columns;     /* that the windows of a row reach, padding included */
    int32_t slack_moves; /* moves down before the buffer is copied back */
    int32_t zero_point;  /* the input's */
    int32_t spread;      /* pixels from one of a pair to the other; above 1 it divides the output's width in blocks of two */
} mcuq_conv_2d_s8_window_params;

/* Where the buffer is: its start, and the moves since it was at the start of scratch. */
typedef struct {
    int16_t *start;
    int32_t moves;
} mcuq_conv_2d_s8_window_state;

/* Brings the input rows of output row y into the buffer. */
void mcuq_conv_2d_s8_window_row(const mcuq_conv_2d_s8_window_params *params, const int8_t *input, int32_t y,
                                int16_t *scratch, mcuq_conv_2d_s8_window_state *state);

MCUQ_ALWAYS_INLINE void mcuq_conv_2d_s8_window(const mcuq_conv_2d_s8_window_params *params, const int8_t *input,
                                               const int32_t *packed, int16_t *scratch, int8_t *output,
                                               const mcuq_gemm_code code)
{
    const mcuq_gemm_plan plan = mcuq_gemm_prepare_for(&params->gemm, code.unrolled);
    const int32_t spread = (code.exact != 0) ? 1 : params->spread;
    const uint32_t advance = (spread > 1) ? ((uint32_t)code.pixel / (uint32_t)spread) : (2U * (uint32_t)code.pixel);
    int8_t *out = output;
    for (int32_t n = 0; n < params->batches; n++) {
        const int8_t *image = &input[n * params->input_height * params->input_width * params->channels];
        mcuq_conv_2d_s8_window_state state = {scratch, 0};
        for (int32_t y = 0; y < params->output_height; y++) {
            mcuq_conv_2d_s8_window_row(params, image, y, scratch, &state);
            mcuq_gemm_run_as(&params->gemm, &plan, packed, state.start, params->output_width, code,
                             advance, spread, out);
            out = &out[params->output_width * plan.pitch];
        }
    }
}

#define MCUQ_CONV_2D_S8_WINDOW(name, distance, unrolled, exact, form)                                                  \
    static __attribute__((noinline)) void mcuq_conv_2d_s8_window_##name(                                               \
        const mcuq_conv_2d_s8_window_params *params, const int8_t *input, const int32_t *packed, int16_t *scratch,     \
        int8_t *output)                                                                                                \
    {                                                                                                                  \
        const mcuq_gemm_code code = {distance, 4, unrolled, exact, form};                                              \
        mcuq_conv_2d_s8_window(params, input, packed, scratch, output, code);                                          \
    }

#endif
