/* 2-D convolution of int8 activations with a window of one pixel, any stride, on Helium (mcuq_gemm_mve.h has the formula).
 *
 * Some pixels of an output row at a time are copied to scratch and multiplied by all output channels, so that the output
 * may lie over the input where it does not grow: the outputs of these pixels are written when the inputs of all pixels
 * up to the last of them have been read, and of no later one. Backwards, from the last pixels to the first, it may lie over
 * the input where it starts, or after that, as long as it does not shrink: for a stride of 1.
 *
 * Layouts: activations NHWC; the stream as in mcuq_gemm_mve.h. With a stride of 1 all pixels are one row.
 * Scratch: together * 16 * vectors bytes.
 */
#ifndef MCUQ_CONV_2D_1X1_MVE_H
#define MCUQ_CONV_2D_1X1_MVE_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_gemm_mve.h"

typedef struct {
    mcuq_gemm_mve_params gemm;
    int32_t rows;         /* of the output */
    int32_t columns;      /* of the output */
    int32_t together;     /* pixels that are multiplied at once, an even number */
    int32_t last;         /* column of the last of them that begins such pixels */
    bool backwards;       /* those of a row from the last to the first */
    int32_t channels;     /* of the input */
    int32_t row_bytes;    /* of the input, from one output row to the next one's */
    int32_t column_bytes; /* of the input, from one output pixel to the next one's */
} mcuq_conv_2d_1x1_mve_params;

void mcuq_conv_2d_1x1_mve(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input, const int32_t *stream,
                          void *scratch, int8_t *output);
void mcuq_conv_2d_1x1_mve_int4(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input, const int32_t *stream,
                               void *scratch, int8_t *output);
void mcuq_conv_2d_1x1_mve_int2(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input, const int32_t *stream,
                               void *scratch, int8_t *output);
void mcuq_conv_2d_1x1_mve_palette16(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input,
                                    const int32_t *stream, void *scratch, int8_t *output);
void mcuq_conv_2d_1x1_mve_palette4(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input,
                                   const int32_t *stream, void *scratch, int8_t *output);

#endif
