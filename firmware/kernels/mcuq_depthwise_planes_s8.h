/* Depthwise convolution for cores with the DSP extension: any window without dilation, any channel multiplier, stride
 * and padding.
 *
 * out = saturate((rounding + (o * M >> 32)) >> 14), where a negative o first loses d (mcuq_prescaled_requantize.h)
 * o   = b + sum over the window of (256 * in) * weight; rounding and d are 0 in the plain form
 *
 * The bytes of mcuq_depthwise_conv_2d_s8 without a narrower activation: constants are proven for each channel. Zero
 * points are in b, M and rounding; sums wrap around, and their last value fits.
 *
 * Planes: four channels at a time are copied into padded lines of int16 (mcuq_planes.h), along the longer side of the
 * output. Four outputs of a line advance together through a line of the window: each word of the plane and of the
 * weights is loaded once for them, in the order in which they are used.
 *
 * weights: a record for each output channel: the window's weights as bytes, line after line, up to a whole word; then b,
 * M, and d in the corrected form. It is unpacked for each band into pairs of int16, times a power of two that b and M
 * take into account (mcuq_planes.h).
 *
 * MCUQ_DEPTHWISE_PLANES_S8(lines, length, stride, pitch, rest, form) defines the function for a window of `lines` lines
 * of `length` elements, a stride of 1 or 2 along the line, planes with `pitch` bytes between lines, lines of
 * 4n + `rest` outputs, and a form of the requantization: plain or corrected. All are literals, so that little but
 * loads, products and stores is left of the inner loop.
 *
 * The output may start where the input starts, and only there, as with mcuq_depthwise_3x3_s8.h.
 *
 * Scratch: a plane for each of up to four channels, pitch * lines of a band, aligned to 4, and one unpacked record. Cost on a Cortex-M4: for
 * four outputs at stride 1 24 cycles for each line of five elements, 16 of three, 43 of ten, and 25 to requantize and
 * store them; 20 a line and 35 a channel; and the planes: 1.8 an input element and 6 a line.
 */
#ifndef MCUQ_DEPTHWISE_PLANES_S8_H
#define MCUQ_DEPTHWISE_PLANES_S8_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_dsp.h"
#include "mcuq_planes.h"
#include "mcuq_prescaled_requantize.h"

#define MCUQ_PLANES_INLINE static inline __attribute__((always_inline))

#if MCUQ_HAS_DSP

/* Loads and products that stay in the order in which they are written: one load behind another takes one cycle, one
 * that stands alone takes two, and nothing is kept longer than registers last. */
typedef struct { /* what a load may read, for the compiler: of unknown length */
    uint32_t first;
    uint32_t rest[];
} mcuq_memory;

MCUQ_PLANES_INLINE uint32_t mcuq_load_in_order(const uint32_t *from, const int32_t index)
{
    uint32_t word;
    __asm__ volatile("ldr %0, [%1, %2]" : "=r"(word) : "r"(from), "i"(4 * index), "m"(*(const mcuq_memory *)from));
    return word;
}

#define MCUQ_IN_ORDER(name)                                                                                            \
    MCUQ_PLANES_INLINE int32_t mcuq_##name##_in_order(uint32_t a, uint32_t b, int32_t sum)                             \
    {                                                                                                                  \
        int32_t result;                                                                                                \
        __asm__ volatile(#name " %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));                           \
        return result;                                                                                                 \
    }

#else

static inline uint32_t mcuq_load_in_order(const uint32_t *from, const int32_t index)
{
    return from[index];
}

#define MCUQ_IN_ORDER(name)                                                                                            \
    static inline int32_t mcuq_##name##_in_order(uint32_t a, uint32_t b, int32_t sum)                                  \
    {                                                                                                                  \
        return mcuq_##name(a, b, sum);                                                                                 \
    }

#endif

MCUQ_IN_ORDER(smlad)
MCUQ_IN_ORDER(smlabb)
MCUQ_IN_ORDER(smlabt)
MCUQ_IN_ORDER(smlatb)

/* The sums of four outputs that are neighbours in a line; fewer use the first ones. */
typedef struct {
    int32_t a;
    int32_t b;
    int32_t c;
    int32_t d;
} mcuq_four_sums;

/* The pairs of weights of a line that are in use, by name: pair k is in place k modulo 8. */
typedef struct {
    uint32_t p0;
    uint32_t p1;
    uint32_t p2;
    uint32_t p3;
    uint32_t p4;
    uint32_t p5;
    uint32_t p6;
    uint32_t p7;
} mcuq_pairs;

MCUQ_PLANES_INLINE uint32_t mcuq_pair(mcuq_pairs pairs, const int32_t k)
{
    switch (k & 7) {
    case 0:
        return pairs.p0;
    case 1:
        return pairs.p1;
    case 2:
        return pairs.p2;
    case 3:
        return pairs.p3;
    case 4:
        return pairs.p4;
    case 5:
        return pairs.p5;
    case 6:
        return pairs.p6;
    default:
        return pairs.p7;
    }
}

/* `pairs` with pair k of the line whose pairs begin at record[at]. */
MCUQ_PLANES_INLINE mcuq_pairs mcuq_load_pair(mcuq_pairs pairs, const int32_t *record, const int32_t at, const int32_t k)
{
    const uint32_t pair = mcuq_load_in_order((const uint32_t *)record, at + k);
    switch (k & 7) {
    case 0:
        pairs.p0 = pair;
        break;
    case 1:
        pairs.p1 = pair;
        break;
    case 2:
        pairs.p2 = pair;
        break;
    case 3:
        pairs.p3 = pair;
        break;
    case 4:
        pairs.p4 = pair;
        break;
    case 5:
        pairs.p5 = pair;
        break;
    case 6:
        pairs.p6 = pair;
        break;
    default:
        pairs.p7 = pair;
        break;
    }
    return pairs;
}

/* Add what a word of the plane gives to one output: its elements meet taps k and k + 1 of a line of the window. */
MCUQ_PLANES_INLINE int32_t mcuq_depthwise_add(int32_t sum, uint32_t word, mcuq_pairs pairs, const int32_t k,
                                              const int32_t length)
{
    if ((k < -1) || (k >= length)) {
        return sum;
    }
    if (k == -1) {
        return mcuq_smlatb_in_order(word, mcuq_pair(pairs, 0), sum);
    }
    if (length == 1) {
        return mcuq_smlabb_in_order(word, mcuq_pair(pairs, 0), sum);
    }
    if (k == (length - 1)) {
        return mcuq_smlabt_in_order(word, mcuq_pair(pairs, length - 2), sum);
    }
    return mcuq_smlad_in_order(word, mcuq_pair(pairs, k), sum);
}

/* The sums of `count` outputs, up to four; `plane` is the first one's first element. */
MCUQ_PLANES_INLINE mcuq_four_sums mcuq_depthwise_sums(const uint32_t *plane, const int32_t *record, int32_t bias,
                                                      const int32_t count, const int32_t lines, const int32_t length,
                                                      const int32_t stride, const int32_t pitch_words)
{
    const int32_t words = ((((count - 1) * stride) + length - 1) / 2) + 1;
    const int32_t last = (length > 1) ? (length - 2) : 0;
    mcuq_four_sums sums = {bias, bias, bias, bias};
#pragma GCC unroll 16
    for (int32_t line = 0; line < lines; line++) {
        mcuq_pairs pairs = {0};
#pragma GCC unroll 64
        for (int32_t i = 0; i < words; i++) {
            const int32_t k = 2 * i;
            const uint32_t word = mcuq_load_in_order(plane, (line * pitch_words) + i);
            if (k <= last) { /* with an even stride, odd pairs are of use to the last tap of an odd length only */
                pairs = mcuq_load_pair(pairs, record, line * (last + 1), k);
            }
            if ((i > 0) && ((k - 1) <= last) && (((stride % 2) == 1) || ((k - 1) == (length - 2)))) {
                pairs = mcuq_load_pair(pairs, record, line * (last + 1), k - 1);
            }
            sums.a = mcuq_depthwise_add(sums.a, word, pairs, k, length);
            if (count > 1) {
                sums.b = mcuq_depthwise_add(sums.b, word, pairs, k - stride, length);
            }
            if (count > 2) {
                sums.c = mcuq_depthwise_add(sums.c, word, pairs, k - (2 * stride), length);
            }
            if (count > 3) {
                sums.d = mcuq_depthwise_add(sums.d, word, pairs, k - (3 * stride), length);
            }
        }
    }
    return sums;
}

/* All lines of a band for one output channel. */
MCUQ_PLANES_INLINE void mcuq_depthwise_band(const mcuq_planes_params *params, const uint32_t *plane, int32_t band_lines,
                                            const int32_t *record, int8_t *output, const int32_t lines,
                                            const int32_t length, const int32_t stride, const int32_t pitch,
                                            const int32_t rest, const bool corrected)
{
    const int32_t *tail = &record[lines * ((length > 1) ? (length - 1) : 1)];
    const int32_t line_words = params->line_stride * pitch;
    const int32_t step = params->output_step;
    const int32_t rounding = corrected ? params->rounding : 0;
    for (int32_t line = 0; line < band_lines; line++) {
        const uint32_t *at = plane;
        int8_t *out = output;
        for (int32_t left = params->output_length; left >= 4; left -= 4) {
            const mcuq_four_sums sums = mcuq_depthwise_sums(at, record, tail[0], 4, lines, length, stride, pitch);
            const mcuq_prescaled k = {tail[1], corrected ? tail[2] : 0, rounding};
            const int8_t a = mcuq_prescaled_int8(sums.a, k);
            const int8_t b = mcuq_prescaled_int8(sums.b, k);
            const int8_t c = mcuq_prescaled_int8(sums.c, k);
            const int8_t d = mcuq_prescaled_int8(sums.d, k);
            out[0] = a;
            out[step] = b;
            out = &out[2 * step];
            out[0] = c;
            out[step] = d;
            out = &out[2 * step];
            at = &at[2 * stride];
        }
        if (rest > 0) {
            const mcuq_four_sums sums = mcuq_depthwise_sums(at, record, tail[0], rest, lines, length, stride, pitch);
            const mcuq_prescaled k = {tail[1], corrected ? tail[2] : 0, rounding};
            out[0] = mcuq_prescaled_int8(sums.a, k);
            if (rest > 1) {
                out[step] = mcuq_prescaled_int8(sums.b, k);
            }
            if (rest > 2) {
                out[2 * step] = mcuq_prescaled_int8(sums.c, k);
            }
        }
        plane = &plane[line_words];
        output = &output[params->output_line_step];
    }
}

/* The record of one output channel (mcuq_planes.h). */
MCUQ_PLANES_INLINE void mcuq_depthwise_unpack(const int32_t *packed, const int32_t lines, const int32_t length,
                                              const int32_t constants, int32_t *record)
{
    const int8_t *weight = (const int8_t *)packed;
    const int32_t words = ((lines * length) / 4) + 1;
    const uint32_t power = ((const uint8_t *)&packed[words])[-1];
    int32_t *to = record;
    for (int32_t line = 0; line < lines; line++) {
        if (length == 1) {
            *to++ = mcuq_planes_pair(weight[0], 0, power);
        }
#pragma GCC unroll 10
        for (int32_t k = 1; k < length; k++) {
            *to++ = mcuq_planes_pair(weight[k - 1], weight[k], power);
        }
        weight = &weight[length];
    }
    for (int32_t k = 0; k < constants; k++) {
        *to++ = packed[words + k];
    }
}

MCUQ_PLANES_INLINE void mcuq_depthwise_planes(const mcuq_planes_params *params, const int8_t *input,
                                              const int32_t *weights, uint32_t *scratch, int8_t *output,
                                              const int32_t lines, const int32_t length, const int32_t stride,
                                              const int32_t pitch, const int32_t rest, const bool corrected)
{
    const int32_t most = (params->channels < MCUQ_PLANES_TOGETHER) ? params->channels : MCUQ_PLANES_TOGETHER;
    int32_t *const record = (int32_t *)&scratch[(uint32_t)(most * params->plane_bytes) / 4U]; /* behind the planes */
    mcuq_planes_band band = {0};
    while (mcuq_planes_next(params, input, scratch, &band)) {
        int32_t channel = band.channel * params->channel_multiplier;
        const uint32_t *plane = scratch;
        int8_t *out = &output[(band.batch * params->output_batch) + (band.channel * params->channel_multiplier) +
                              (band.first * params->output_line_step)];
        for (int32_t c = 0; c < band.channels; c++) {
            for (int32_t m = 0; m < params->channel_multiplier; m++) {
                mcuq_depthwise_unpack(&weights[channel * params->packed_words], lines, length, corrected ? 3 : 2, record);
                mcuq_depthwise_band(params, plane, band.lines, record, out, lines, length, stride, pitch, rest,
                                    corrected);
                channel++;
                out = &out[1];
            }
            plane = &plane[(uint32_t)params->plane_bytes / 4U];
        }
    }
}

#define MCUQ_DEPTHWISE_PLANES_S8(lines, length, stride, pitch, rest, form)                                             \
    static __attribute__((noinline)) void                                                                              \
        mcuq_depthwise_planes_##lines##x##length##_stride_##stride##_pitch_##pitch##_rest_##rest##_##form##_s8(        \
            const mcuq_planes_params *params, const int8_t *input, const int32_t *weights, void *scratch,              \
            int8_t *output)                                                                                            \
    {                                                                                                                  \
        mcuq_depthwise_planes(params, input, weights, (uint32_t *)scratch, output, lines, length, stride, (pitch) / 4, \
                              rest, #form[0] == 'c');                                                                  \
    }

#endif
