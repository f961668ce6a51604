/* 2-D depthwise convolution for cores with the DSP extension, straight from NHWC: four channels at a time, no scratch.
 *
 * For what the kernels on planes do not run, or where a plane has too few outputs to pay: windows as large as the
 * input, windows of one column, dilation. Channel multiplier 1, at least four channels; any window, stride, dilation,
 * padding.
 *
 * Formula: that of mcuq_depthwise_conv_2d_s8.h. Rounding: double, as in mcuq_fast_requantize.h ("twice rounded").
 *
 * weights: for each block of four channels, for each tap of the window (rows outermost): two words of int16, of
 * channels 0 and 2, and 1 and 3. Where four do not divide the channels, the last block overlaps the one before it.
 * constants: for each channel, four words: bias, multiplier, rounding, shift.
 *
 * Scratch: none. Cost on a Cortex-M4: 3.3 cycles a multiply-accumulate, 40 an output, 4 a row of the window.
 */
#ifndef MCUQ_DEPTHWISE_DIRECT_S8_H
#define MCUQ_DEPTHWISE_DIRECT_S8_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t channels;
    int32_t input_height;
    int32_t input_width;
    int32_t filter_height;
    int32_t filter_width;
    int32_t output_height;
    int32_t output_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t pad_top;
    int32_t pad_left;
    int32_t input_offset; /* minus the input's zero point */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_depthwise_direct_s8_params;

void mcuq_depthwise_direct_s8(const mcuq_depthwise_direct_s8_params *params, const int8_t *input,
                              const int32_t *weights, const int32_t *constants, int8_t *output);

#endif
