/* Bilinear resizing of an NHWC image of float32.
 *
 * The tables have for each row and column of the output where in the input, in elements, the two rows (columns) begin that
 * it lies between, and the weight w of the second one:
 * out = (((0 + (a (1 - wy)) (1 - wx)) + (b wy) (1 - wx)) + (c (1 - wy)) wx) + (d wy) wx
 * a, b are the first column's pixels of the two rows, c, d the second one's.
 *
 * Rounding: each operation once. Scratch: none. Cost with an FPU: about 25 instructions an element.
 */
#ifndef MCUQ_RESIZE_BILINEAR_F32_H
#define MCUQ_RESIZE_BILINEAR_F32_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t height; /* of the output */
    int32_t width;
    int32_t depth;
    int32_t image; /* elements of an input image */
} mcuq_resize_bilinear_f32_params;

void mcuq_resize_bilinear_f32(const mcuq_resize_bilinear_f32_params *params, const int32_t *rows,
                              const float *row_weights, const int32_t *columns, const float *column_weights,
                              const float *input, float *output);

#endif
