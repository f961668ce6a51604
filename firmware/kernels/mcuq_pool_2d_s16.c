#include "mcuq_pool_2d_s16.h"

#include <stdbool.h>

#include "mcuq_requantize.h"
#include "mcuq_window.h"

/* The mean of height x width values, rounded half away from zero, or the greatest of them. */
static inline int32_t window_value(const int16_t *window, int32_t height, int32_t width, int32_t row, int32_t column,
                                   bool mean)
{
    int32_t sum = 0;
    int32_t greatest = INT16_MIN;
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            const int32_t value = window[x * column];
            sum += value;
            greatest = (value > greatest) ? value : greatest;
        }
        window += row;
    }
    const int32_t count = height * width;
    const int32_t half = count / 2;
    return mean ? (((sum > 0) ? (sum + half) : (sum - half)) / count) : greatest;
}

/* mean is a literal in both callers, so each gets its own loops. */
static inline void pool(const mcuq_pool_2d_s8_params *params, const int16_t *input, int16_t *output, bool mean)
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
                const int16_t *window =
                    &input[((top + rows.first) * input_row) + ((left + columns.first) * p.channels)];
                for (int32_t c = 0; c < p.channels; c++) {
                    const int32_t value = window_value(&window[c], rows.end - rows.first, columns.end - columns.first,
                                                       input_row, p.channels, mean);
                    *output = (int16_t)mcuq_clamp(value, p.activation_min, p.activation_max);
                    output++;
                }
            }
        }
        input += p.input_height * input_row;
    }
}

void mcuq_average_pool_2d_s16(const mcuq_pool_2d_s8_params *params, const int16_t *input, int16_t *output)
{
    pool(params, input, output, true);
}

void mcuq_max_pool_2d_s16(const mcuq_pool_2d_s8_params *params, const int16_t *input, int16_t *output)
{
    pool(params, input, output, false);
}
