/* 2-D convolution of int8 activations with a window of any size, without dilation, on Helium (mcuq_gemm_mve.h has the
 * formula): windows are made contiguous in a buffer (mcuq_window_mve.h) and are the columns of a product.
 *
 * Every input row that an output row needs has been copied before that row is written.
 *
 * Layouts: activations NHWC; the stream as in mcuq_gemm_mve.h, positions in the order of column, row, channel.
 * Scratch: the buffer's, and 16 bytes that a last column may reach past it.
 */
#ifndef MCUQ_CONV_2D_WINDOW_MVE_H
#define MCUQ_CONV_2D_WINDOW_MVE_H

#include <stdint.h>

#include "mcuq_gemm_mve.h"
#include "mcuq_window_mve.h"

typedef struct {
    mcuq_gemm_mve_params gemm;
    mcuq_window_mve window;
    int32_t batches;
    int32_t output_height;
    int32_t output_width;
    int32_t stride_width;
} mcuq_conv_2d_window_mve_params;

void mcuq_conv_2d_window_mve(const mcuq_conv_2d_window_mve_params *params, const int8_t *input, const int32_t *stream,
                             void *scratch, int8_t *output);
void mcuq_conv_2d_window_mve_int4(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                  const int32_t *stream, void *scratch, int8_t *output);
void mcuq_conv_2d_window_mve_int2(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                  const int32_t *stream, void *scratch, int8_t *output);
void mcuq_conv_2d_window_mve_palette16(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                       const int32_t *stream, void *scratch, int8_t *output);
void mcuq_conv_2d_window_mve_palette4(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                      const int32_t *stream, void *scratch, int8_t *output);

#endif
