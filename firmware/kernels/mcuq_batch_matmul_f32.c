#include "mcuq_batch_matmul_f32.h"

static float *multiply(const mcuq_batch_matmul_f32_params *params, const float *left, const float *right, float *output)
{
    const mcuq_batch_matmul_f32_params p = *params;
    for (int32_t r = 0; r < p.rows; r++) {
        for (int32_t c = 0; c < p.columns; c++) {
            const float *row = &left[r * p.left_row];
            const float *column = &right[c * p.right_column];
            float sum = 0.0F;
            for (int32_t i = 0; i < p.depth; i++) {
                sum += row[i * p.left_step] * column[i * p.right_step];
            }
            *output = sum;
            output++;
        }
    }
    return output;
}

void mcuq_batch_matmul_f32(const mcuq_batch_matmul_f32_params *params, const float *left, const float *right,
                           float *output)
{
    const int32_t *n = params->batches;
    const int32_t *of_left = params->left_batch;
    const int32_t *of_right = params->right_batch;
    for (int32_t i0 = 0; i0 < n[0]; i0++) {
        for (int32_t i1 = 0; i1 < n[1]; i1++) {
            for (int32_t i2 = 0; i2 < n[2]; i2++) {
                output = multiply(params, &left[(i0 * of_left[0]) + (i1 * of_left[1]) + (i2 * of_left[2])],
                                  &right[(i0 * of_right[0]) + (i1 * of_right[1]) + (i2 * of_right[2])], output);
            }
        }
    }
}
