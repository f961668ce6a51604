/* Mean of the newest frames of int8 activations, kept up to date from step to step.
 *
 * out[c] = clamp(output_offset + requantize_double(sum_offset + total[c], multiplier, shift)) to -128 .. 127
 * total[c] = sum over the window's frames of the sums of their elements in channel c
 * New frames are added to the totals and those that they replace, the oldest, taken away: sums holds the sums of each of
 * the window's frames, (window, channels), as int16, and place the oldest one's number. In the input, rows_before rows of
 * all frames follow each other, in each frame rows_behind rows of channels. Where a frame is one such row, its elements are
 * the sums: mcuq_running_mean_single_s8 keeps them as int8.
 *
 * sum_offset is minus the input's zero point times the elements that go into a mean; the division by these is in the
 * multiplier. 1 to window frames are new. Rounding: double. Scratch: none.
 * Cost on a Cortex-M4: 15 cycles for each channel of a new frame, 5 for each of its further rows, 25 an output.
 */
#ifndef MCUQ_RUNNING_MEAN_S8_H
#define MCUQ_RUNNING_MEAN_S8_H

#include <stdint.h>

typedef struct {
    int32_t rows_before;
    int32_t frames; /* that are new */
    int32_t rows_behind;
    int32_t channels;
    int32_t window; /* in frames */
    int32_t sum_offset;
    int32_t multiplier;
    int32_t shift;
    int32_t output_offset; /* the output's zero point */
} mcuq_running_mean_params;

void mcuq_running_mean_s8(const mcuq_running_mean_params *params, const int8_t *input, int16_t *sums, int32_t *total,
                          int32_t *place, int8_t *output);

void mcuq_running_mean_single_s8(const mcuq_running_mean_params *params, const int8_t *input, int8_t *sums,
                                 int32_t *total, int32_t *place, int8_t *output);

#endif
