/* Pixels of NHWC images by row and column.
 *
 * out[b, y, x] = in[b] at rows[y] + columns[x] bytes; a pixel is run bytes, an image image_bytes.
 *
 * Scratch: none. Cost: that of memcpy, and 15 cycles a pixel on a Cortex-M4.
 */
#ifndef MCUQ_RESIZE_NEAREST_H
#define MCUQ_RESIZE_NEAREST_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t height;
    int32_t width;
    int32_t image_bytes;
    int32_t run;
} mcuq_resize_nearest_params;

void mcuq_resize_nearest(const mcuq_resize_nearest_params *params, const int32_t *rows, const int32_t *columns,
                         const void *input, void *output);

#endif
