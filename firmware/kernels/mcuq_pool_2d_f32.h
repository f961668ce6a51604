/* 2-D pooling of float32 over the taps of a window inside the input, row by row: the mean (their sum, divided by their
 * number), or the greatest; then a clamp.
 *
 * Rounding: each sum once, in order. Layouts: NHWC. Scratch: none. Cost with an FPU: about 9 instructions a tap.
 */
#ifndef MCUQ_POOL_2D_F32_H
#define MCUQ_POOL_2D_F32_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t filter_height;
    int32_t filter_width;
    int32_t output_height;
    int32_t output_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t pad_top;
    int32_t pad_left;
    float activation_min;
    float activation_max;
} mcuq_pool_2d_f32_params;

void mcuq_average_pool_2d_f32(const mcuq_pool_2d_f32_params *params, const float *input, float *output);
void mcuq_max_pool_2d_f32(const mcuq_pool_2d_f32_params *params, const float *input, float *output);

#endif
