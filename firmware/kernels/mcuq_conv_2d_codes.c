#include "mcuq_conv_2d_codes.h"

#include "mcuq_requantize.h"
#include "mcuq_unpack_codes.h"
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

void mcuq_conv_2d_codes(const mcuq_conv_2d_s8_params *params, int32_t bits, const int8_t *input, const uint8_t *codes,
                        const int8_t *palette, const int32_t *bias, const int32_t *multipliers, const int32_t *shifts,
                        void *scratch, int8_t *output)
{
    const mcuq_conv_2d_s8_params p = *params;
    const int32_t filter_row = p.filter_width * p.input_channels;
    const int32_t depth = p.filter_height * filter_row;
    const int32_t input_row = p.input_width * p.input_channels;
    int8_t *filter = scratch;

    for (int32_t o = 0; o < p.output_channels; o++) {
        const int8_t *image = input;
        int8_t *out = &output[o];
        mcuq_unpack_codes(codes, palette, bits, depth, filter);
        codes += ((depth * bits) + 7) / 8;
        for (int32_t n = 0; n < p.batches; n++) {
            for (int32_t y = 0; y < p.output_height; y++) {
                const int32_t top = (y * p.stride_height) - p.pad_top;
                const mcuq_taps rows = mcuq_taps_inside(top, p.filter_height, p.dilation_height, p.input_height);
                for (int32_t x = 0; x < p.output_width; x++) {
                    const int32_t left = (x * p.stride_width) - p.pad_left;
                    const mcuq_taps columns = mcuq_taps_inside(left, p.filter_width, p.dilation_width, p.input_width);
                    int32_t acc = bias[o];
                    for (int32_t ky = rows.first; ky < rows.end; ky++) {
                        const int8_t *in_row = &image[(top + (ky * p.dilation_height)) * input_row];
                        const int8_t *taps = &filter[ky * filter_row];
                        for (int32_t kx = columns.first; kx < columns.end; kx++) {
                            const int32_t column = left + (kx * p.dilation_width);
                            acc += dot(&in_row[column * p.input_channels], &taps[kx * p.input_channels],
                                       p.input_offset, p.input_channels);
                        }
                    }
                    acc = p.output_offset + mcuq_requantize_double(acc, multipliers[o], shifts[o]);
                    *out = (int8_t)mcuq_clamp(acc, p.activation_min, p.activation_max);
                    out += p.output_channels;
                }
            }
            image += p.input_height * input_row;
        }
    }
}
