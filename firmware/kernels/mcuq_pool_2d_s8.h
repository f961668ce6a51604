/* 2-D average and max pooling of int8 activations: any window, stride and padding.
 *
 * average: out[n,y,x,c] = clamp(sum / count), rounded half away from zero
 * max:     out[n,y,x,c] = clamp(max)
 * over the count taps in[n, y*stride+ky-pad, x*stride+kx-pad, c] that lie inside the input; every window has one.
 * Nothing is rescaled: input and output have one scale and zero point.
 *
 * Layouts: NHWC. Scratch: none.
 * Cost: about 6 instructions a tap on a Cortex-M4 at -O2, and 25 an output (average: one signed division).
 */
#ifndef MCUQ_POOL_2D_S8_H
#define MCUQ_POOL_2D_S8_H

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
    int32_t activation_min;
    int32_t activation_max;
} mcuq_pool_2d_s8_params;

void mcuq_average_pool_2d_s8(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output);
void mcuq_max_pool_2d_s8(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output);

#endif
