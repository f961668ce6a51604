/* 3x3 depthwise convolution for cores with the DSP extension: any channel multiplier, stride 1 or 2, any padding.
 *
 * out = saturate((rounding + (o * M >> 32)) >> 14), where a negative o first loses d (mcuq_prescaled_requantize.h)
 * o   = b + sum over the window of (256 * in) * weight; rounding and d are 0 in the plain form
 *
 * The bytes of mcuq_depthwise_conv_2d_s8 without a narrower activation: constants are proven for each channel. Zero
 * points are in b, M and rounding; sums wrap around, and their last value fits.
 *
 * Planes: each channel is copied once into padded lines of int16 (mcuq_planes.h), along the longer side of the output.
 * One function for each stride along a line, pitch of the plane in bytes, and form of the requantization: with the
 * pitch a literal, the window's nine weights, four outputs and the data fit into the registers, and only what is used
 * is linked. A line needs ((output_length - 1) * stride + 4) * 2 bytes at most, rounded up to 4.
 *
 * weights: a record for each output channel: nine weights as bytes, line after line, three bytes, b, M, and d in the
 * corrected form; 20 or 24 bytes. It is unpacked into pairs of int16, times a power of two that b and M take into
 * account (mcuq_planes.h).
 *
 * The output may start where the input starts, and only there, if batches and channel multiplier are 1, and either all
 * of a plane is one band or lines are rows or the output has the input's shape: a channel's outputs are then written
 * only over elements of the same channel that have been copied.
 *
 * Scratch: two planes, each pitch * ((band_lines - 1) * line_stride + 3) bytes, aligned to 4, and the unpacked records of
 * two channels. Cost on a Cortex-M4:
 * stride 1: 60 cycles for four outputs (corrected: 70), 34 for two, 24 for one; stride 2: 70, 40, 24; 25 a line, 100 a
 * channel; and 2.5 an input element. 2.2 to 2.3 cycles a multiply-accumulate at stride 1 on large images, 3.2 at 6x6;
 * 3.9 at stride 2. What holds it there: 6 of about 16 cycles an output multiply (two products each), 3 load, 4
 * requantize and store, 2.5 copy (10 at stride 2, where an output has four inputs).
 */
#ifndef MCUQ_DEPTHWISE_3X3_S8_H
#define MCUQ_DEPTHWISE_3X3_S8_H

#include <stdint.h>

#include "mcuq_planes.h"

#define MCUQ_DEPTHWISE_3X3_DECLARE(stride, pitch, form)                                                               \
    void mcuq_depthwise_3x3_stride_##stride##_pitch_##pitch##_##form##_s8(                                            \
        const mcuq_planes_params *params, const int8_t *input, const int32_t *weights, void *scratch, int8_t *output);

#define MCUQ_DEPTHWISE_3X3_PITCHES(apply, stride, form)                                                               \
    apply(stride, 64, form)                                                                                           \
    apply(stride, 128, form)                                                                                          \
    apply(stride, 256, form)

#define MCUQ_DEPTHWISE_3X3_ALL(apply)                                                                                 \
    MCUQ_DEPTHWISE_3X3_PITCHES(apply, 1, plain)                                                                       \
    MCUQ_DEPTHWISE_3X3_PITCHES(apply, 2, plain)                                                                       \
    MCUQ_DEPTHWISE_3X3_PITCHES(apply, 1, corrected)                                                                   \
    MCUQ_DEPTHWISE_3X3_PITCHES(apply, 2, corrected)

MCUQ_DEPTHWISE_3X3_ALL(MCUQ_DEPTHWISE_3X3_DECLARE)

#endif
