#include "mcuq_pool_2d_s8.h"

#include "mcuq_requantize.h"
#include "mcuq_window.h"

static inline int32_t window_max(const int8_t *window, int32_t height, int32_t width, int32_t row, int32_t column)
{
    int32_t largest = INT8_MIN;
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            const int32_t value = (int32_t)window[x * column];
            largest = (value > largest) ? value : largest;
        }
        window += row;
    }
    return largest;
}

void mcuq_max_pool_2d_s8(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output)
{
    const mcuq_pool_2d_s8_params p = *params;
    const int32_t input_row = p.input_width * p.channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int32_t top = (y * p.stride_height) - p.pad_top;
            const mcuq_taps rows = mcuq_taps_inside(top, p.filter_height, 1, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const int32_t left = (x * p.stride_width) - p.pad_left;
                const mcuq_taps columns = mcuq_taps_inside(left, p.filter_width, 1, p.input_width);
                const int32_t height = rows.end - rows.first;
                const int32_t width = columns.end - columns.first;
                const int8_t *window =
                    &input[((top + rows.first) * input_row) + ((left + columns.first) * p.channels)];
                for (int32_t c = 0; c < p.channels; c++) {
                    const int32_t value = window_max(&window[c], height, width, input_row, p.channels);
                    *output = (int8_t)mcuq_clamp(value, p.activation_min, p.activation_max);
                    output++;
                }
            }
        }
        input += p.input_height * input_row;
    }
}
