/* Functions of float32, element by element; the output may be the input.
 *
 * exp, log, tanh, sin, cos, and those in logistic and gelu are computed in double precision (mcuq_real.h) and rounded;
 * the rest in single precision, each operation rounded once.
 * logistic: 1 / (1 + exp(-x)), below -9 exp(x), above 16.619 one; hard_swish: x * min(max(x + 3, 0), 6) / 6
 * bound: low where x is below it, high where x is above it; leaky_relu: x above 0, else x * alpha
 * gelu: 0.5 x erfc(-x / sqrt 2); gelu_approximate: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
 *
 * Layouts: any. Scratch: none. Cost: about 10 instructions an element with an FPU; those of mcuq_real.h 700 to 1,500
 * more, on FPUs for double precision 60.
 */
#ifndef MCUQ_UNARY_F32_H
#define MCUQ_UNARY_F32_H

#include <math.h> /* INFINITY, for calls */
#include <stdint.h>

void mcuq_abs_f32(const float *input, float *output, int32_t elements);
void mcuq_neg_f32(const float *input, float *output, int32_t elements);
void mcuq_square_f32(const float *input, float *output, int32_t elements);
void mcuq_sqrt_f32(const float *input, float *output, int32_t elements);
void mcuq_rsqrt_f32(const float *input, float *output, int32_t elements);
void mcuq_floor_f32(const float *input, float *output, int32_t elements);
void mcuq_sign_f32(const float *input, float *output, int32_t elements);
void mcuq_hard_swish_f32(const float *input, float *output, int32_t elements);
void mcuq_exp_f32(const float *input, float *output, int32_t elements);
void mcuq_log_f32(const float *input, float *output, int32_t elements);
void mcuq_tanh_f32(const float *input, float *output, int32_t elements);
void mcuq_logistic_f32(const float *input, float *output, int32_t elements);
void mcuq_sin_f32(const float *input, float *output, int32_t elements);
void mcuq_cos_f32(const float *input, float *output, int32_t elements);
void mcuq_gelu_f32(const float *input, float *output, int32_t elements);
void mcuq_gelu_approximate_f32(const float *input, float *output, int32_t elements);
void mcuq_bound_f32(const float *input, float *output, int32_t elements, float low, float high);
void mcuq_leaky_relu_f32(const float *input, float *output, int32_t elements, float alpha);

#endif
