/* Convolutions of float32 with int8 weights (dynamic range): the input becomes int8 by its own range, images one by one.
 *
 * asymmetric: s = (max - min) / 255 over an image and 0, z the zero point nearer to the larger of the two ends' rounding,
 *   q = clamp(z + round(in / s)) to -128 .. 127; otherwise s = max(|in|) / 127, z = 0, q to -127 .. 127
 * out[n,y,x,o] = clamp(a * scales[o] * s + bias[o]), a = sum over ky, kx, i of (q - z) * weights[o,ky,kx,i] in int32
 * scales_first: a is multiplied by scales[o] * s, instead of by scales[o] and then by s
 * Fully connected: each row is an image of one pixel, with a window of one pixel. Depthwise: see mcuq_conv_2d_f32.h.
 *
 * Rounding: halves away from zero; real operations once each. Layouts: activations NHWC, weights OHWI, depthwise HWO.
 * Scratch: an int8 for each element of an image; depthwise before them an int32 for each output channel.
 * The output may lie over the input where there is one image.
 * Cost on a Cortex-M4: about 3.5 instructions a product where four outputs go together, 6 depthwise; 25 an element of
 * the input, 15 one of the output; without an FPU 400 and 300.
 */
#ifndef MCUQ_CONV_2D_HYBRID_H
#define MCUQ_CONV_2D_HYBRID_H

#include "mcuq_conv_2d_f32.h"

typedef struct {
    mcuq_conv_2d_f32_params conv; /* of one group, or depthwise */
    int32_t asymmetric;
    int32_t scales_first;
} mcuq_conv_2d_hybrid_params;

void mcuq_conv_2d_hybrid(const mcuq_conv_2d_hybrid_params *params, const float *input, const int8_t *weights,
                         const float *scales, const float *bias, void *scratch, float *output);
void mcuq_depthwise_conv_2d_hybrid(const mcuq_conv_2d_hybrid_params *params, const float *input, const int8_t *weights,
                                   const float *scales, const float *bias, void *scratch, float *output);

#endif
