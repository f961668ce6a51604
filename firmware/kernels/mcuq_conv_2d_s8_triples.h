/* 2-D convolution of int8 activations with int8 weights for cores without the DSP extension: any window, stride,
 * dilation and padding, no groups.
 *
 * out[n,y,x,o] = requantize(sum over ky,kx,i of in[n, y*stride+ky*dilation-pad, ..., i] * w[o,ky,kx,i])
 * Three output pixels and four output channels are computed at once from packed windows (mcuq_triples.h). Taps outside
 * the input are its zero point, which the biases take away. The windows are packed before any of their outputs is
 * written. Where all pixels are one row, with windows of one pixel and a stride of 1, they may go from the last to the
 * first: then the output may lie over the input where it starts, or after that, as long as pixels do not shrink.
 *
 * Requantization: mcuq_triple_store.h.
 *
 * Stream: for each group of 4 output channels a word of weights for each tap of all parts, then the constants of the
 * four channels. Channels past the last are zeros.
 * Scratch: parts * (2 * part_taps + 2) words for the packed windows, then filter_width * channels bytes of zero points.
 * Cost on a Cortex-M0: 2.4 cycles a product, about 50 an output, 8 for each tap of a pixel; on a Cortex-M3 2.1, 25, 5.
 */
#ifndef MCUQ_CONV_2D_S8_TRIPLES_H
#define MCUQ_CONV_2D_S8_TRIPLES_H

#include <stdint.h>

#include "mcuq_triple_store.h"

typedef struct {
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t filter_height;
    int32_t filter_width;
    int32_t output_width;
    int32_t output_pixels; /* of an image */
    int32_t output_channels;
    int32_t batches;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t pad_top;
    int32_t pad_left;
    int32_t zero_point; /* the input's */
    int32_t first_pixel; /* of the three that are computed first: 0, or the last */
    int32_t pixel_step;  /* from some pixels to the next: 3, or -3 from the last to the first */
    int32_t parts;
    int32_t part_taps;
    mcuq_triple_requantize requantize;
} mcuq_conv_2d_s8_triples_params;

void mcuq_conv_2d_s8_triples(const mcuq_conv_2d_s8_triples_params *params, const int8_t *input, const int32_t *stream,
                             int32_t *scratch, int8_t *output);

/* With weights of four or two bits: two pixels and eight channels at once (mcuq_pairs.h). Stream: for each group of 8 output
 * channels the codes of all parts, then the constants of the eight. Pixels go by two, first_pixel and pixel_step with them.
 * Scratch: parts * (part_taps + 1) words, then the zero points.
 * Cost on a Cortex-M0: 1.8 cycles a product, 50 an output, 12 for an output's further part, 8 for each tap of a pixel; on
 * a Cortex-M3 1.7, 25, 9, 5. */
void mcuq_conv_2d_pairs_int4(const mcuq_conv_2d_s8_triples_params *params, const int8_t *input, const int32_t *stream,
                             int32_t *scratch, int8_t *output);
void mcuq_conv_2d_pairs_int2(const mcuq_conv_2d_s8_triples_params *params, const int8_t *input, const int32_t *stream,
                             int32_t *scratch, int8_t *output);

#endif
