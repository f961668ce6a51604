#include "mcuq_resize_bilinear_f32.h"

void mcuq_resize_bilinear_f32(const mcuq_resize_bilinear_f32_params *params, const int32_t *rows,
                              const float *row_weights, const int32_t *columns, const float *column_weights,
                              const float *input, float *output)
{
    const mcuq_resize_bilinear_f32_params p = *params;
    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.height; y++) {
            const float *upper = &input[rows[2 * y]];
            const float *lower = &input[rows[(2 * y) + 1]];
            const float down = row_weights[y];
            for (int32_t x = 0; x < p.width; x++) {
                const int32_t left = columns[2 * x];
                const int32_t right = columns[(2 * x) + 1];
                const float across = column_weights[x];
                for (int32_t i = 0; i < p.depth; i++) {
                    const float a = (upper[left + i] * (1.0F - down)) * (1.0F - across);
                    const float b = (lower[left + i] * down) * (1.0F - across);
                    const float c = (upper[right + i] * (1.0F - down)) * across;
                    const float d = (lower[right + i] * down) * across;
                    *output = (((0.0F + a) + b) + c) + d;
                    output++;
                }
            }
        }
        input += p.image;
    }
}
