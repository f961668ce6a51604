#include "mcuq_conv_2d_s16.h"

#include "mcuq_requantize.h"
#include "mcuq_window.h"

enum { BLOCK = 256 }; /* products that stay within int32 together, whatever they are */

/* Sum over n channels of input * weight. */
static inline int64_t dot(const int16_t *input, const int8_t *weights, int32_t n)
{
    int64_t sum = 0;
    for (int32_t first = 0; first < n; first += BLOCK) {
        const int32_t end = ((n - first) < BLOCK) ? n : (first + BLOCK);
        int32_t of_block = 0;
        for (int32_t i = first; i < end; i++) {
            of_block += (int32_t)input[i] * (int32_t)weights[i];
        }
        sum += of_block;
    }
    return sum;
}

/* The operator's rules keep the result within int32. Right shifts of negative values: see mcuq_requantize.h. */
static inline int32_t requantize(int64_t acc, int32_t multiplier, int32_t shift, int32_t whole)
{
    if (whole == 0) {
        return mcuq_requantize_wide(acc, multiplier, shift);
    }
    const int32_t total = 31 - shift;
    return (int32_t)(((acc * multiplier) + ((int64_t)1 << (total - 1))) >> total);
}

void mcuq_conv_2d_s16(const mcuq_conv_2d_s16_params *params, const int16_t *input, const int8_t *weights,
                      const int64_t *bias, const int32_t *multipliers, const int32_t *shifts, int16_t *output)
{
    const mcuq_conv_2d_s16_params p = *params;
    const int32_t groups = p.input_channels / p.filter_channels;
    const int32_t group_outputs = p.output_channels / groups;
    const int32_t filter_row = p.filter_width * p.filter_channels;
    const int32_t input_row = p.input_width * p.input_channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int32_t top = (y * p.stride_height) - p.pad_top;
            const mcuq_taps rows = mcuq_taps_inside(top, p.filter_height, p.dilation_height, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const int32_t left = (x * p.stride_width) - p.pad_left;
                const mcuq_taps columns = mcuq_taps_inside(left, p.filter_width, p.dilation_width, p.input_width);
                const int8_t *filter = weights;
                for (int32_t o = 0; o < p.output_channels; o++) {
                    const int32_t channel = (o / group_outputs) * p.filter_channels;
                    int64_t acc = bias[o];
                    for (int32_t ky = rows.first; ky < rows.end; ky++) {
                        const int16_t *in_row = &input[((top + (ky * p.dilation_height)) * input_row) + channel];
                        const int8_t *filter_taps = &filter[ky * filter_row];
                        for (int32_t kx = columns.first; kx < columns.end; kx++) {
                            const int32_t column = left + (kx * p.dilation_width);
                            acc += dot(&in_row[column * p.input_channels], &filter_taps[kx * p.filter_channels],
                                       p.filter_channels);
                        }
                    }
                    const int32_t value = requantize(acc, multipliers[o], shifts[o], p.whole_multiplier);
                    *output = (int16_t)mcuq_clamp(value, p.activation_min, p.activation_max);
                    output++;
                    filter += p.filter_height * filter_row;
                }
            }
        }
        input += p.input_height * input_row;
    }
}
