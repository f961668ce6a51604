#include "mcuq_transpose_conv_f32.h"

#include "mcuq_f32.h"

/* The input's rows (or columns) first .. end-1 whose windows cover a place of the output, its padding counted. */
typedef struct {
    int32_t first;
    int32_t end;
} covering;

static inline covering covering_at(int32_t place, int32_t window, int32_t stride, int32_t size)
{
    const int32_t over = place - window; /* the last place before the windows that count */
    const covering found = {(over < 0) ? 0 : ((over / stride) + 1), (place / stride) + 1};
    const covering inside = {found.first, (found.end < size) ? found.end : size};
    return inside;
}

void mcuq_transpose_conv_f32(const mcuq_transpose_conv_f32_params *params, const float *input, const float *weights,
                             const float *bias, float *output)
{
    const mcuq_transpose_conv_f32_params p = *params;
    const int32_t depth = p.input_channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int32_t row = y + p.pad_top;
            const covering rows = covering_at(row, p.filter_height, p.stride_height, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const int32_t column = x + p.pad_left;
                const covering columns = covering_at(column, p.filter_width, p.stride_width, p.input_width);
                for (int32_t o = 0; o < p.output_channels; o++) {
                    float sum = 0.0F;
                    for (int32_t iy = rows.first; iy < rows.end; iy++) {
                        const int32_t ky = (o * p.filter_height) + row - (iy * p.stride_height);
                        for (int32_t ix = columns.first; ix < columns.end; ix++) {
                            const int32_t kx = column - (ix * p.stride_width);
                            const float *in = &input[((iy * p.input_width) + ix) * depth];
                            const float *w = &weights[((ky * p.filter_width) + kx) * depth];
                            for (int32_t i = 0; i < depth; i++) {
                                sum += in[i] * w[i];
                            }
                        }
                    }
                    *output = mcuq_clamp_f32(sum + bias[o], p.activation_min, p.activation_max);
                    output++;
                }
            }
        }
        input += p.input_height * p.input_width * depth;
    }
}
