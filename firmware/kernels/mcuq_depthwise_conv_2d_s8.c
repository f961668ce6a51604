#include "mcuq_depthwise_conv_2d_s8.h"

#include "mcuq_requantize.h"
#include "mcuq_window.h"

/* Sum over n taps of (input + offset) * weight, where the taps lie input_step and weight_step bytes apart. */
static inline int32_t strided_dot(const int8_t *input, int32_t input_step, const int8_t *weights, int32_t weight_step,
                                  int32_t offset, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += ((int32_t)input[i * input_step] + offset) * (int32_t)weights[i * weight_step];
    }
    return sum;
}

void mcuq_depthwise_conv_2d_s8(const mcuq_depthwise_conv_2d_s8_params *params, const int8_t *input,
                               const int8_t *weights, const int32_t *bias, const int32_t *multipliers,
                               const int32_t *shifts, int8_t *output)
{
    const mcuq_depthwise_conv_2d_s8_params p = *params;
    const int32_t output_channels = p.input_channels * p.channel_multiplier;
    const int32_t filter_row = p.filter_width * output_channels;
    const int32_t input_row = p.input_width * p.input_channels;
    const int32_t row_step = p.dilation_height * input_row;
    const int32_t column_step = p.dilation_width * p.input_channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int32_t top = (y * p.stride_height) - p.pad_top;
            const mcuq_taps rows = mcuq_taps_inside(top, p.filter_height, p.dilation_height, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const int32_t left = (x * p.stride_width) - p.pad_left;
                const mcuq_taps columns = mcuq_taps_inside(left, p.filter_width, p.dilation_width, p.input_width);
                const int32_t first_tap = (top * input_row) + (left * p.input_channels) + (columns.first * column_step);
                const int32_t first_weight = columns.first * output_channels;
                const int32_t inside = columns.end - columns.first;
                const int32_t end_row = (inside > 0) ? rows.end : rows.first; /* no address outside the input */
                int32_t o = 0;
                for (int32_t i = 0; i < p.input_channels; i++) {
                    for (int32_t m = 0; m < p.channel_multiplier; m++) {
                        int32_t acc = bias[o];
                        for (int32_t ky = rows.first; ky < end_row; ky++) {
                            acc += strided_dot(&input[first_tap + (ky * row_step) + i], column_step,
                                               &weights[first_weight + (ky * filter_row) + o], output_channels,
                                               p.input_offset, inside);
                        }
                        acc = p.output_offset + mcuq_requantize_double(acc, multipliers[o], shifts[o]);
                        *output = (int8_t)mcuq_clamp(acc, p.activation_min, p.activation_max);
                        output++;
                        o++;
                    }
                }
            }
        }
        input += p.input_height * input_row;
    }
}
