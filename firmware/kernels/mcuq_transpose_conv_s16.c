#include "mcuq_transpose_conv_s16.h"

#include "mcuq_requantize.h"
#include "mcuq_transposed_window.h"

static inline int64_t dot(const int16_t *input, const int8_t *weights, int32_t n)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int64_t)((int32_t)input[i] * (int32_t)weights[i]);
    }
    return sum;
}

void mcuq_transpose_conv_s16(const mcuq_transpose_conv_s16_params *params, const int16_t *input, const int8_t *weights,
                             const int64_t *bias, const int32_t *multipliers, const int32_t *shifts, int16_t *output)
{
    const mcuq_transpose_conv_s16_params p = *params;
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
                    int64_t acc = bias[o];
                    int32_t row = rows.pixel;
                    for (int32_t ky = rows.first; ky < rows.end; ky += p.stride_height) {
                        int32_t column = columns.pixel;
                        for (int32_t kx = columns.first; kx < columns.end; kx += p.stride_width) {
                            acc += dot(&input[((row * p.input_width) + column) * channels],
                                       &filter[((ky * p.filter_width) + kx) * channels], channels);
                            column--;
                        }
                        row--;
                    }
                    const int32_t value = mcuq_requantize_wide(acc, multipliers[o], shifts[o]);
                    *output = (int16_t)mcuq_clamp(value, p.activation_min, p.activation_max);
                    output++;
                    filter += p.filter_height * p.filter_width * channels;
                }
            }
        }
        input += p.input_height * p.input_width * channels;
    }
}
