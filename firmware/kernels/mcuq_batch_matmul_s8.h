/* Products of int8 matrices, in batches, each matrix as it lies in memory or transposed.
 *
 * out[b,r,c] = clamp(output_offset + requantize_double(acc, multiplier, shift), -128, 127)
 * acc = sum over i of (left[b,r,i] + left_offset) * (right[b,i,c] + right_offset)
 *
 * Row r of a left matrix begins at r * left_row, its elements are left_step apart; column c of a right matrix begins at
 * c * right_column, its elements are right_step apart. The batches are three nested loops over matrices; their steps are in
 * elements. The output is written in order. Rounding: double. Scratch: none.
 * Cost: about 9 instructions a multiply-accumulate on a Cortex-M4.
 */
#ifndef MCUQ_BATCH_MATMUL_S8_H
#define MCUQ_BATCH_MATMUL_S8_H

#include <stdint.h>

typedef struct {
    int32_t batches[3];     /* from the outermost loop to the innermost */
    int32_t left_batch[3];  /* 0 where the left matrices are repeated */
    int32_t right_batch[3]; /* 0 where the right ones are */
    int32_t rows;
    int32_t depth;
    int32_t columns;
    int32_t left_row;
    int32_t left_step;
    int32_t right_column;
    int32_t right_step;
    int32_t left_offset;  /* minus the left input's zero point */
    int32_t right_offset; /* minus the right input's zero point */
    int32_t multiplier;
    int32_t shift;
    int32_t output_offset; /* the output's zero point */
} mcuq_batch_matmul_s8_params;

void mcuq_batch_matmul_s8(const mcuq_batch_matmul_s8_params *params, const int8_t *left, const int8_t *right,
                          int8_t *output);

#endif
