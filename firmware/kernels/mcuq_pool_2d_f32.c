#include "mcuq_pool_2d_f32.h"

#include <float.h>
#include <stdbool.h>

#include "mcuq_f32.h"
#include "mcuq_window.h"

/* Of one channel of a window whose first tap inside the input is `in`. */
static inline float pooled(const mcuq_pool_2d_f32_params *p, const float *in, int32_t rows, int32_t columns, bool mean)
{
    float found = mean ? 0.0F : -FLT_MAX;
    for (int32_t y = 0; y < rows; y++) {
        const float *tap = &in[y * p->input_width * p->channels];
        for (int32_t x = 0; x < columns; x++) {
            found = mean ? (found + *tap) : ((*tap > found) ? *tap : found);
            tap += p->channels;
        }
    }
    const float value = mean ? (found / (float)(rows * columns)) : found;
    return mcuq_clamp_f32(value, p->activation_min, p->activation_max);
}

static inline void pool(const mcuq_pool_2d_f32_params *params, const float *input, float *output, bool mean)
{
    const mcuq_pool_2d_f32_params p = *params;
    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int32_t top = (y * p.stride_height) - p.pad_top;
            const mcuq_taps rows = mcuq_taps_inside(top, p.filter_height, 1, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const int32_t left = (x * p.stride_width) - p.pad_left;
                const mcuq_taps columns = mcuq_taps_inside(left, p.filter_width, 1, p.input_width);
                const int32_t pixel = ((top + rows.first) * p.input_width) + left + columns.first;
                for (int32_t i = 0; i < p.channels; i++) {
                    *output = pooled(&p, &input[(pixel * p.channels) + i], rows.end - rows.first,
                                     columns.end - columns.first, mean);
                    output++;
                }
            }
        }
        input += p.input_height * p.input_width * p.channels;
    }
}

void mcuq_average_pool_2d_f32(const mcuq_pool_2d_f32_params *params, const float *input, float *output)
{
    pool(params, input, output, true);
}

void mcuq_max_pool_2d_f32(const mcuq_pool_2d_f32_params *params, const float *input, float *output)
{
    pool(params, input, output, false);
}
