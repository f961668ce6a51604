/* int8 layers whose weights are coded: kernels that read a stream, or rows of weights, decoded into scratch memory.
 *
 * Formula, rounding and orders are those of the kernel, its header has them; mcuq_decode.h has the encodings. A few output
 * channels' weights are decoded, then the kernel computes all their outputs; what it gathers of the input it gathers anew for
 * each of these parts.
 *
 * Scratch: the kernel's own, the stream of tile.channels channels (or of one), the decoder with its table.
 * The output may overlap the input only where one part is the whole layer.
 * Cost: that of the kernel, of decoding once, and of gathering once for each further part.
 *
 * MCUQ_DECODED_STREAM(name, function, params_type, channels, encoding) defines name, which calls the kernel function; channels
 * is the member of its parameters that counts output channels. MCUQ_DECODED_ROWS does the same for kernels in plain C.
 */
#ifndef MCUQ_DECODED_H
#define MCUQ_DECODED_H

#include <stddef.h>
#include <stdint.h>

#include "mcuq_conv_2d_1x1_mve.h"
#include "mcuq_conv_2d_s8.h"
#include "mcuq_conv_2d_s8_columns.h"
#include "mcuq_conv_2d_s8_triples.h"
#include "mcuq_conv_2d_s8_window.h"
#include "mcuq_conv_2d_window_mve.h"
#include "mcuq_decode.h"
#include "mcuq_fully_connected_mve.h"
#include "mcuq_fully_connected_s8.h"
#include "mcuq_fully_connected_s8_dsp.h"
#include "mcuq_fully_connected_s8_fours.h"

typedef struct {
    mcuq_decode_params decode; /* of the first part */
    int32_t channels;          /* of a part: a multiple of group, or all */
    int32_t group;             /* channels of a group of the stream */
    int32_t stream_start;      /* words of scratch before the stream: the kernel's own */
    int32_t decoder_start;     /* words of scratch before the decoder */
} mcuq_decoded_tile;

#define MCUQ_DECODED_STREAM(name, function, params_type, channels_member, encoding)                                    \
    static __attribute__((noinline)) void name(const params_type *params, const mcuq_decoded_tile *tile,               \
                                               const int8_t *input, const uint8_t *coded, const int32_t *plain,        \
                                               int32_t *scratch, int8_t *output)                                       \
    {                                                                                                                  \
        const int32_t channels = params->channels_member;                                                              \
        int32_t *const stream = &scratch[tile->stream_start];                                                          \
        void *const own = (tile->stream_start > 0) ? scratch : NULL;                                                   \
        params_type part = *params;                                                                                    \
        mcuq_decode_params decode = tile->decode;                                                                      \
        for (int32_t first = 0; first < channels; first += tile->channels) {                                           \
            const int32_t left = channels - first;                                                                     \
            part.channels_member = (left < tile->channels) ? left : tile->channels;                                    \
            decode.groups = (part.channels_member + tile->group - 1) / tile->group;                                    \
            mcuq_decode_##encoding(&decode, coded, plain, &scratch[tile->decoder_start], stream);                      \
            decode.first = false;                                                                                      \
            function(&part, input, stream, own, &output[first]);                                                       \
        }                                                                                                              \
    }

/* The weights of one output channel at a time. step is by how many multipliers and shifts channels are apart, 0 or 1. */
#define MCUQ_DECODED_ROWS(name, function, params_type, channels_member, encoding, step)                                \
    static __attribute__((noinline)) void name(const params_type *params, const mcuq_decoded_tile *tile,               \
                                               const int8_t *input, const uint8_t *coded, const int32_t *bias,         \
                                               const int32_t *multipliers, const int32_t *shifts, int32_t *scratch,    \
                                               int8_t *output)                                                         \
    {                                                                                                                  \
        params_type part = *params;                                                                                    \
        mcuq_decode_params decode = tile->decode;                                                                      \
        part.channels_member = 1;                                                                                      \
        for (int32_t channel = 0; channel < params->channels_member; channel++) {                                      \
            const int32_t scale = channel * (step);                                                                    \
            mcuq_decode_##encoding(&decode, coded, bias, &scratch[tile->decoder_start], scratch);                      \
            decode.first = false;                                                                                      \
            function(&part, input, (const int8_t *)scratch, &bias[channel], &multipliers[scale], &shifts[scale],       \
                     &output[channel]);                                                                                \
        }                                                                                                              \
    }

#endif
