/* Functions of the rows of a float32 tensor (its last axis); the output may be the input.
 *
 * softmax: e[i] / sum(e), e[i] = exp((x[i] - max(x)) * beta); log_softmax: (x[i] - max(x)) - log(sum(e)), beta 1
 * l2_normalization: x[i] / max(sqrt(sum(x^2)), 1e-6)
 *
 * exp and log in double precision (mcuq_real.h), rounded; sums in single precision, in order. Scratch: none.
 * Cost: an exp an element (700 instructions, 60 with an FPU for double precision), twice for log_softmax; without exp 25.
 */
#ifndef MCUQ_ROWS_F32_H
#define MCUQ_ROWS_F32_H

#include <stdint.h>

void mcuq_softmax_f32(const float *input, float *output, int32_t rows, int32_t depth, float beta);
void mcuq_log_softmax_f32(const float *input, float *output, int32_t rows, int32_t depth);
void mcuq_l2_normalization_f32(const float *input, float *output, int32_t rows, int32_t depth);

#endif
