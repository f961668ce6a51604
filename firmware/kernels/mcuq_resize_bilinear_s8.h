/* Weighted means of four pixels of NHWC images.
 *
 * rows and columns hold three numbers for each row and column of the output: where the first and the second row (or
 * column) of the input begin, in bytes, and the second one's weight in 1/1024, which may be negative. The sum of the
 * four products, at most 2^29, is divided by 2^20, halves away from zero.
 *
 * Scratch: none. Cost on a Cortex-M4: 17 cycles an output element, and 30 a pixel.
 */
#ifndef MCUQ_RESIZE_BILINEAR_S8_H
#define MCUQ_RESIZE_BILINEAR_S8_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t height;
    int32_t width;
    int32_t depth;
    int32_t image_bytes;
} mcuq_resize_bilinear_s8_params;

void mcuq_resize_bilinear_s8(const mcuq_resize_bilinear_s8_params *params, const int32_t *rows, const int32_t *columns,
                             const int8_t *input, int8_t *output);

#endif
