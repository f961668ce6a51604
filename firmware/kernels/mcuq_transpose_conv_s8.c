#include "mcuq_transpose_conv_s8.h"

#include "mcuq_requantize.h"
#include "mcuq_transposed_window.h"

static inline int32_t dot(const int8_t *input, const int8_t *weights, int32_t offset, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += ((int32_t)input[i] + offset) * (int32_t)weights[i];
    }
    return sum;
}

void mcuq_transpose_conv_s8(const mcuq_transpose_conv_s8_params *params, const int8_t *input, const int8_t *weights,
                            const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int8_t *output)
{
    const mcuq_transpose_conv_s8_params p = *params;
    const int32_t channels = p.input_channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const mcuq_transposed_taps rows =
                mcuq_transposed_taps_at(y + p.pad_top, p.filter_height, p.stride_height, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const mcuq_transposed_taps columns =
                    mcuq_transposed_taps_at(x + p.pad_left, p.filter_width, p.stride_width, p.input_width);
                const int8_t *filter = weights;
                for (int32_t o = 0; o < p.output_channels; o++) {
                    int32_t acc = bias[o];
                    int32_t row = rows.pixel;
                    for (int32_t ky = rows.first; ky < rows.end; ky += p.stride_height) {
                        int32_t column = columns.pixel;
                        for (int32_t kx = columns.first; kx < columns.end; kx += p.stride_width) {
                            acc += dot(&input[((row * p.input_width) + column) * channels],
                                       &filter[((ky * p.filter_width) + kx) * channels], p.input_offset, channels);
                            column--;
                        }
                        row--;
                    }
                    acc = p.output_offset + mcuq_requantize_double(acc, multipliers[o], shifts[o]);
                    *output = (int8_t)mcuq_clamp(acc, p.activation_min, p.activation_max);
                    output++;
                    filter += p.filter_height * p.filter_width * channels;
                }
            }
        }
        input += p.input_height * p.input_width * channels;
    }
}
