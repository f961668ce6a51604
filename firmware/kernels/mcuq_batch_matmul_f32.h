/* Products of float32 matrices, one for each batch; batches are broadcast.
 *
 * out[r,c] = sum over i of left[r,i] * right[i,c]; element (r, i) of the left matrix lies at r * left_row + i * left_step,
 * (i, c) of the right one at c * right_column + i * right_step, so either may lie transposed
 *
 * Rounding: each product and each sum once, in order. Layouts: any. Scratch: none.
 * Cost with an FPU: about 10 instructions a product.
 */
#ifndef MCUQ_BATCH_MATMUL_F32_H
#define MCUQ_BATCH_MATMUL_F32_H

#include <stdint.h>

typedef struct {
    int32_t batches[3]; /* three nested loops, outermost first, with their steps in both inputs in elements */
    int32_t left_batch[3];
    int32_t right_batch[3];
    int32_t rows;
    int32_t depth;
    int32_t columns;
    int32_t left_row;
    int32_t left_step;
    int32_t right_column;
    int32_t right_step;
} mcuq_batch_matmul_f32_params;

void mcuq_batch_matmul_f32(const mcuq_batch_matmul_f32_params *params, const float *left, const float *right,
                           float *output);

#endif
