/* A buffer in which the windows of an output row are contiguous, for convolutions without dilation. Padding is the zero
 * point.
 *
 * The buffer holds the input rows that an output row needs, column by column: in[row, column, channel] lies at
 * (column * window_height + row) * channels + channel. For the next output row it begins stride_height * channels later,
 * and only the new rows are written; now and then it is moved back.
 * Scratch: columns * window_height * channels bytes and slack_moves * stride_height * channels for the moves.
 * Cost on a Cortex-M55: about 10 instructions for each pixel that is read, and 3 for each 16 channels of it.
 */
#ifndef MCUQ_WINDOW_MVE_H
#define MCUQ_WINDOW_MVE_H

#include <stdint.h>

typedef struct {
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t window_height;
    int32_t stride_height;
    int32_t pad_top;
    int32_t pad_left;
    int32_t columns;     /* that the windows of a row reach over, padding included */
    int32_t slack_moves; /* 0: all rows are new for each output row */
    int32_t zero_point;
} mcuq_window_mve;

/* The buffer for output row y, in scratch. To be asked for all output rows of an image in their order. */
const int8_t *mcuq_window_mve_row(const mcuq_window_mve *window, const int8_t *image, int32_t y, int8_t *scratch);

#endif
