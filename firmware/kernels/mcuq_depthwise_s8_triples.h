/* 2-D depthwise convolution of int8 activations with int8 weights for cores without the DSP extension: any channel
 * multiplier, window, stride, dilation and padding.
 *
 * out[n,y,x,o] = requantize(sum over ky,kx of in[n, y*stride+ky*dilation-pad, ..., i] * w[ky,kx,o]), i = o / multiplier
 * The output's lines (rows, or columns where the image is turned) are cut into three thirds of band_lines lines, and
 * the three outputs at one place of each are computed at once: the input's lines that they need are packed as pairs
 * of words a, b (mcuq_triples.h), one channel after another. Places outside the input are its zero point, which the
 * biases take away. An output of more lines than three times band_lines is made in several bands.
 *
 * Weights: int8 [channel][line][element of the line], lines and elements as in the plane. Constants: mcuq_triple_store.h,
 * one record after another.
 * A window whose lines follow each other without a gap may be given as one line.
 * Scratch: a word for each weight of a channel, then plane_lines * plane_length pairs of words.
 * Where there is one band, a whole channel has been read before any output of it is written: the output may take the
 * input's very place.
 * Cost on a Cortex-M0: about 3 cycles a product, 60 an output and 8 for each element of the plane; on a Cortex-M3 2, 30, 5.
 */
#ifndef MCUQ_DEPTHWISE_S8_TRIPLES_H
#define MCUQ_DEPTHWISE_S8_TRIPLES_H

#include <stdint.h>

#include "mcuq_triple_store.h"

typedef struct {
    int32_t batches;
    int32_t channels; /* of the input */
    int32_t channel_multiplier;
    int32_t input_batch; /* elements of an image */
    int32_t input_line_step;
    int32_t input_step; /* elements between neighbours in a line */
    int32_t input_lines;
    int32_t input_length;
    int32_t output_batch;
    int32_t output_line_step;
    int32_t output_step;
    int32_t output_lines;
    int32_t output_length;
    int32_t filter_lines;
    int32_t filter_length;
    int32_t line_gap; /* bytes of the plane from behind a window's line to its next one */
    int32_t tap_gap;  /* and from behind a tap to the next one of the line */
    int32_t line_stride;
    int32_t stride;
    int32_t line_padding;
    int32_t padding;
    int32_t band_lines; /* output lines of a third */
    int32_t plane_lines;
    int32_t plane_length;
    int32_t zero_point; /* the input's */
    mcuq_triple_requantize requantize;
} mcuq_depthwise_s8_triples_params;

void mcuq_depthwise_s8_triples(const mcuq_depthwise_s8_triples_params *params, const int8_t *input,
                               const int8_t *weights, const int32_t *constants, int32_t *scratch, int8_t *output);

#endif
