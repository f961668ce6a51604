#include "mcuq_batch_matmul_s8.h"

#include "mcuq_requantize.h"

static int8_t *multiply(const mcuq_batch_matmul_s8_params *params, const int8_t *left, const int8_t *right, int8_t *output)
{
    const mcuq_batch_matmul_s8_params p = *params;

    for (int32_t r = 0; r < p.rows; r++) {
        for (int32_t c = 0; c < p.columns; c++) {
            const int8_t *row = &left[r * p.left_row];
            const int8_t *column = &right[c * p.right_column];
            int32_t acc = 0;
            for (int32_t i = 0; i < p.depth; i++) {
                acc += ((int32_t)row[i * p.left_step] + p.left_offset) *
                       ((int32_t)column[i * p.right_step] + p.right_offset);
            }
            const int32_t value = p.output_offset + mcuq_requantize_double(acc, p.multiplier, p.shift);
            *output = (int8_t)mcuq_clamp(value, INT8_MIN, INT8_MAX);
            output++;
        }
    }
    return output;
}

void mcuq_batch_matmul_s8(const mcuq_batch_matmul_s8_params *params, const int8_t *left, const int8_t *right,
                          int8_t *output)
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
