/* Operators of two float32 tensors, with broadcasting.
 *
 * add, sub, mul, div: out = clamp(in1 op in2); maximum, minimum; squared_difference: (in1 - in2)^2;
 * prelu: in1 from 0 up, else in1 * in2; power: in1 to the power of in2, in double precision (mcuq_real.h), rounded
 * compare: 0 or 1, by the order of in1 to in2: less, equal, greater, or none where one is not a number
 *
 * Rounding: each operation once. Layouts: any, see mcuq_broadcast.h. Scratch: none.
 * An output may be an input only where that input is not repeated.
 * Cost with an FPU: about 12 instructions an element, power 1,500 where the FPU has no double precision.
 */
#ifndef MCUQ_BINARY_F32_H
#define MCUQ_BINARY_F32_H

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops;
    float activation_min;
    float activation_max;
} mcuq_binary_f32_params;

typedef struct {
    mcuq_broadcast loops;
    int32_t less;
    int32_t equal;
    int32_t greater;
    int32_t unordered;
} mcuq_compare_f32_params;

void mcuq_add_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_sub_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_mul_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_div_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_maximum_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_minimum_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_squared_difference_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2,
                                 float *output);
void mcuq_prelu_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_pow_f32(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output);
void mcuq_compare_f32(const mcuq_compare_f32_params *params, const float *input1, const float *input2, void *output);

#endif
