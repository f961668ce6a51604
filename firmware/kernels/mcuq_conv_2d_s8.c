#include "mcuq_conv_2d_s8.h"

#include "mcuq_requantize.h"
#include "mcuq_window.h"

/* Sum over n channels of (input + offset) * weight. */
static inline int32_t dot(const int8_t *input, const int8_t *weights, int32_t offset, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += ((int32_t)input[i] + offset) * (int32_t)weights[i];
    }
    return sum;
}

void mcuq_conv_2d_s8(const mcuq_conv_2d_s8_params *params, const int8_t *input, const int8_t *weights,
                     const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int8_t *output)
{
    const mcuq_conv_2d_s8_params p = *params;
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
                    int32_t acc = bias[o];
                    for (int32_t ky = rows.first; ky < rows.end; ky++) {
                        const int8_t *in_row = &input[((top + (ky * p.dilation_height)) * input_row) + channel];
                        const int8_t *filter_taps = &filter[ky * filter_row];
                        for (int32_t kx = columns.first; kx < columns.end; kx++) {
                            const int32_t column = left + (kx * p.dilation_width);
                            acc += dot(&in_row[column * p.input_channels], &filter_taps[kx * p.filter_channels],
                                       p.input_offset, p.filter_channels);
                        }
                    }
                    acc = p.output_offset + mcuq_requantize_double(acc, multipliers[o], shifts[o]);
                    output[o] = (int8_t)mcuq_clamp(acc, p.activation_min, p.activation_max);
                    filter += p.filter_height * filter_row;
                }
                output += p.output_pitch;
            }
        }
        input += p.input_height * input_row;
    }
}
