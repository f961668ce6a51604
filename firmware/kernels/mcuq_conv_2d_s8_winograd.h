/* 2-D convolution of int8 activations and int8 weights for cores with the DSP extension, by Winograd's F(2,3) along the
 * rows: windows three columns wide, any height, stride_width 1, channels that are a multiple of 4; any stride_height
 * and padding, no dilation, no groups.
 *
 * out[n,y,x,o] = requantize(bias[o] + sum over ky,kx,i of in[n, y*stride+ky-pad, x+kx-pad, i] * w[o,ky,kx,i])
 * The bias holds the input's zero point. Requantization: mcuq_gemm_dsp.h.
 *
 * Two outputs of a row, a tile, are computed from four input columns d0..d3 by four products in place of six, each of
 * them summed over ky and i:
 *   m0 = (d0 - d2) * 2 w0      m1 = (d1 + d2) * (w0 + w1 + w2)      m2 = (d2 - d1) * (w0 - w1 + w2)
 *   m3 = (d1 - d3) * -2 w2     twice out0 = m0 + m1 + m2            twice out1 = m1 - m2 + m3
 * This is exact: weights are doubled, not halved, so that every factor is an integer (within 510 and 384 in magnitude,
 * an int16), sums are exact modulo 2^32, and twice an accumulator is what requantization shifts one bit less.
 *
 * Packed stream: for each group of 4 output channels the constants of mcuq_gemm_dsp.h, then the factors of m1, m2, m0
 * and m3; for each of these and each pair of activations (ky, then i, shuffled) 4 words, one for each channel. Channels
 * past the last are zeros. It takes 2.7 times the flash of int8 weights.
 *
 * Scratch: 8 sums; a pixel of padding; and the differences and sums of the rows under the window, the positions 0 to 3
 * of each tile in turn: 4 x tiles x window_height x channels of int16. They move down as the columns of
 * mcuq_conv_2d_s8_window.h do, and the output may overlap the input in the same way.
 *
 * Two tiles are computed at once. MCUQ_CONV_2D_S8_WINOGRAD(name, run, unrolled, form) defines the function
 * mcuq_conv_2d_s8_winograd_name for positions of run bytes, 2 * window_height * channels: a loop of unrolled steps, a
 * divisor of run / 4, and one requantization, MCUQ_GEMM_AFFINE or MCUQ_GEMM_TWICE.
 * Cost on a Cortex-M4: 16 cycles for 4 channels, 2 tiles and a pair of activations of a position: 0.67 for a product of
 * the plain convolution; about 14 for an output, and 6 for an input element.
 */
#ifndef MCUQ_CONV_2D_S8_WINOGRAD_H
#define MCUQ_CONV_2D_S8_WINOGRAD_H

#include <stdint.h>

#include "mcuq_gemm_dsp.h"

typedef struct {
    mcuq_gemm_params gemm;
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t window_height;
    int32_t output_height;
    int32_t output_width;
    int32_t stride_height;
    int32_t pad_top;
    int32_t pad_left;
    int32_t slack_moves; /* moves down before the buffer is copied back */
    int32_t zero_point;  /* the input's */
} mcuq_conv_2d_s8_winograd_params;

/* The parts of scratch, where the buffer starts, and the moves since it was at its beginning. */
typedef struct {
    int32_t *sums;
    int8_t *padding;
    int16_t *buffer;
    int16_t *start;
    int32_t moves;
} mcuq_conv_2d_s8_winograd_state;

/* Lays scratch out. */
mcuq_conv_2d_s8_winograd_state mcuq_conv_2d_s8_winograd_begin(const mcuq_conv_2d_s8_winograd_params *params,
                                                              int16_t *scratch);

/* Brings the input rows of output row y into the buffer. */
void mcuq_conv_2d_s8_winograd_row(const mcuq_conv_2d_s8_winograd_params *params, const int8_t *input, int32_t y,
                                  mcuq_conv_2d_s8_winograd_state *state);

#if MCUQ_HAS_DSP

/* Registers of the assembly: r0 to r3 the sums of four channels of the first tile, r4 to r7 of the second; r8, r9
 * weights, r10, r11 activations; r12 and lr point to activations and weights. */

/* One pair of activations of both tiles: 14 instructions of 4 bytes. */
#define MCUQ_WINOGRAD_STEP(index)                                                                                      \
    ".if " #index " < %c[unrolled]\n\t"                                                                                \
    "ldr.w r10, [r12, #(" #index " * 4)]\n\t"                                                                          \
    "ldr.w r11, [r12, #(" #index " * 4 + 4 * %c[run])]\n\t"                                                            \
    "ldr.w r8, [lr, #(" #index " * 16)]\n\t"                                                                           \
    "ldr.w r9, [lr, #(" #index " * 16 + 4)]\n\t"                                                                       \
    "smlad r0, r8, r10, r0\n\t"                                                                                        \
    "smlad r4, r8, r11, r4\n\t"                                                                                        \
    "smlad r1, r9, r10, r1\n\t"                                                                                        \
    "smlad r5, r9, r11, r5\n\t"                                                                                        \
    "ldr.w r8, [lr, #(" #index " * 16 + 8)]\n\t"                                                                       \
    "ldr.w r9, [lr, #(" #index " * 16 + 12)]\n\t"                                                                      \
    "smlad r2, r8, r10, r2\n\t"                                                                                        \
    "smlad r6, r8, r11, r6\n\t"                                                                                        \
    "smlad r3, r9, r10, r3\n\t"                                                                                        \
    "smlad r7, r9, r11, r7\n\t"                                                                                        \
    ".endif\n\t"
#define MCUQ_WINOGRAD_EIGHT_STEPS(a, b, c, d, e, f, g, h)                                                              \
    MCUQ_WINOGRAD_STEP(a) MCUQ_WINOGRAD_STEP(b) MCUQ_WINOGRAD_STEP(c) MCUQ_WINOGRAD_STEP(d)                            \
    MCUQ_WINOGRAD_STEP(e) MCUQ_WINOGRAD_STEP(f) MCUQ_WINOGRAD_STEP(g) MCUQ_WINOGRAD_STEP(h)

/* The kept m1 becomes the sums m1 + m2, and m1 - m2 is kept, for the sums a and b. */
#define MCUQ_WINOGRAD_COMBINE(a, b)                                                                                    \
    "ldr.w r10, [r9, #(4 * " #a ")]\n\t"                                                                               \
    "ldr.w r11, [r9, #(4 * " #b ")]\n\t"                                                                               \
    "sub.w r8, r10, r" #a "\n\t"                                                                                       \
    "add.w r" #a ", r10, r" #a "\n\t"                                                                                  \
    "sub.w r10, r11, r" #b "\n\t"                                                                                      \
    "add.w r" #b ", r11, r" #b "\n\t"                                                                                  \
    "str.w r8, [r9, #(4 * " #a ")]\n\t"                                                                                \
    "str.w r10, [r9, #(4 * " #b ")]\n\t"

/* Outputs of groups of four channels for count pairs of tiles, the pixels span bytes apart. run, unrolled and form are
 * literals. */
MCUQ_ALWAYS_INLINE void mcuq_winograd_groups(const int32_t *stream, uint32_t groups, uint32_t group_words,
                                             const int16_t *activations, uint32_t count, int32_t *sums, int8_t *output,
                                             uint32_t out_span, const int32_t run, const int32_t unrolled,
                                             const int32_t form)
{
    const mcuq_spilled packed = mcuq_spill((uint32_t)(uintptr_t)stream);
    const mcuq_spilled last = mcuq_spill((uint32_t)(uintptr_t)&stream[groups * group_words]);
    const mcuq_spilled kept = mcuq_spill((uint32_t)(uintptr_t)sums);
    const mcuq_spilled span = mcuq_spill(out_span);
    mcuq_spilled start = mcuq_spill((uint32_t)(uintptr_t)activations + (uint32_t)run); /* position 1 */
    mcuq_spilled out = mcuq_spill((uint32_t)(uintptr_t)output);
    mcuq_spilled left = mcuq_spill(count);
    mcuq_spilled constants = mcuq_spill(0U);
    mcuq_spilled weights = mcuq_spill(0U);
    mcuq_spilled end = mcuq_spill(0U);
    mcuq_spilled done = mcuq_spill(0U); /* positions */
    /* MISRA C:2012 dir 4.3: assembly, encapsulated here. It takes all core registers, as mcuq_gemm_groups does. */
    __asm__ volatile(
        "5:\n\t" /* a pair of tiles */
        MCUQ_GET(lr, packed)
        "0:\n\t" /* a group of channels */
        MCUQ_PUT(constants, lr)
        "add.w lr, lr, #(32 + 32 * %c[form])\n\t"
        MCUQ_GET(r12, start)
        "movs.w r8, #0\n\t"
        MCUQ_PUT(done, r8)
        "7:\n\t" /* a position, from zero */
        "movs.w r0, #0\n\t"
        "movs.w r1, #0\n\t"
        "movs.w r2, #0\n\t"
        "movs.w r3, #0\n\t"
        "movs.w r4, #0\n\t"
        "movs.w r5, #0\n\t"
        "movs.w r6, #0\n\t"
        "movs.w r7, #0\n"
        "6:\n\t" /* a position, on top of the sums */
        ".if %c[run] > 4 * %c[unrolled]\n\t"
        "addw r8, r12, #%c[run]\n\t"
        MCUQ_PUT(end, r8)
        ".endif\n"
        "1:\n\t"
        MCUQ_WINOGRAD_EIGHT_STEPS(0, 1, 2, 3, 4, 5, 6, 7)
        MCUQ_WINOGRAD_EIGHT_STEPS(8, 9, 10, 11, 12, 13, 14, 15)
        MCUQ_WINOGRAD_EIGHT_STEPS(16, 17, 18, 19, 20, 21, 22, 23)
        MCUQ_WINOGRAD_EIGHT_STEPS(24, 25, 26, 27, 28, 29, 30, 31)
        "addw r12, r12, #(%c[unrolled] * 4)\n\t"
        "addw lr, lr, #(%c[unrolled] * 16)\n\t"
        ".if %c[run] > 4 * %c[unrolled]\n\t"
        MCUQ_GET(r8, end)
        "cmp r12, r8\n\t"
        "bne.w 1b\n\t"
        ".endif\n\t"
        MCUQ_GET(r8, done)
        MCUQ_GET(r9, kept)
        "add.w r8, r8, #1\n\t"
        MCUQ_PUT(done, r8)
        "cmp r8, #2\n\t"
        "bhi.w 3f\n\t"
        "beq.w 2f\n\t"
        "stmia.w r9, {r0, r1, r2, r3, r4, r5, r6, r7}\n\t"
        "b.w 7b\n"
        "2:\n\t"
        MCUQ_WINOGRAD_COMBINE(0, 1) MCUQ_WINOGRAD_COMBINE(2, 3) MCUQ_WINOGRAD_COMBINE(4, 5) MCUQ_WINOGRAD_COMBINE(6, 7)
        "subw r12, r12, #(3 * %c[run])\n\t" /* position 0 */
        "b.w 6b\n"
        "3:\n\t" /* twice an output's sums */
        MCUQ_PUT(weights, lr)
        MCUQ_GET(lr, constants)
        ".if %c[form]\n\t"
        MCUQ_PUT(end, r12)
        MCUQ_GEMM_CONSTANTS
        MCUQ_GEMM_EACH("add.w", "", "")
        MCUQ_GEMM_TWICE_ROUNDED
        MCUQ_GET(r12, end)
        ".else\n\t"
        MCUQ_GEMM_CONSTANTS
        MCUQ_GEMM_EACH("add.w", ", lsl #8", ", lsl #8")
        MCUQ_GEMM_AFFINE_SCALED
        ".endif\n\t"
        MCUQ_GET(lr, weights)
        MCUQ_GEMM_JOIN
        MCUQ_GET(r8, out)
        MCUQ_GET(r9, span)
        MCUQ_GET(r10, done)
        "str.w r4, [r8, r9, lsl #1]\n\t"
        "str.w r0, [r8]\n\t"
        "cmp r10, #3\n\t"
        "bne.w 4f\n\t"
        "add.w r8, r8, r9\n\t" /* the second pixel of each tile */
        MCUQ_PUT(out, r8)
        MCUQ_GET(r8, kept)
        "ldmia.w r8, {r0, r1, r2, r3, r4, r5, r6, r7}\n\t"
        "addw r12, r12, #(2 * %c[run])\n\t" /* position 3 */
        "b.w 6b\n"
        "4:\n\t"
        "sub.w r8, r8, r9\n\t"
        "add.w r8, r8, #4\n\t"
        MCUQ_PUT(out, r8)
        MCUQ_GET(r10, last)
        "cmp lr, r10\n\t"
        "bne.w 0b\n\t"
        "add.w r8, r8, r9\n\t" /* the next pair of tiles */
        "add.w r8, r8, r9, lsl #1\n\t"
        MCUQ_PUT(out, r8)
        MCUQ_GET(r8, start)
        "addw r8, r8, #(8 * %c[run] / 2)\n\t"
        "addw r8, r8, #(8 * %c[run] / 2)\n\t"
        MCUQ_PUT(start, r8)
        MCUQ_GET(r8, left)
        "subs.w r8, r8, #1\n\t"
        MCUQ_PUT(left, r8)
        "bne.w 5b\n\t"
        : [start] MCUQ_SPILL_CHANGED(start), [out] MCUQ_SPILL_CHANGED(out), [left] MCUQ_SPILL_CHANGED(left),
          [constants] MCUQ_SPILL_CHANGED(constants), [weights] MCUQ_SPILL_CHANGED(weights),
          [end] MCUQ_SPILL_CHANGED(end), [done] MCUQ_SPILL_CHANGED(done)
        : [packed] MCUQ_SPILL(packed), [last] MCUQ_SPILL(last), [kept] MCUQ_SPILL(kept), [span] MCUQ_SPILL(span),
          [run] "i"(run), [unrolled] "i"(unrolled), [form] "i"(form)
        : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

/* Twin in C of the assembly above: one tile of four channels. */
static inline void mcuq_winograd_tile(const int32_t *stream, const int16_t *activations, const int32_t run,
                                      const int32_t form, int8_t *output, uint32_t out_span)
{
    static const int32_t order[4] = {1, 2, 0, 3}; /* of positions in the stream */
    const int32_t *weights = &stream[8 + (8 * form)];
    int32_t sums[4][4] = {{0}};
    for (int32_t i = 0; i < 4; i++) {
        for (int32_t k = 0; k < run; k += 4) {
            const uint32_t x = mcuq_load_word(&activations[((order[i] * run) + k) / 2]);
            for (int32_t o = 0; o < 4; o++) {
                sums[order[i]][o] = mcuq_smlad((uint32_t)*weights, x, sums[order[i]][o]);
                weights++;
            }
        }
    }
    for (int32_t o = 0; o < 4; o++) {
        const int32_t even = mcuq_wrapping_add(sums[0][o], mcuq_wrapping_add(sums[1][o], sums[2][o]));
        const int32_t odd = mcuq_wrapping_add(sums[3][o], mcuq_wrapping_subtract(sums[1][o], sums[2][o]));
        const int32_t twice[2] = {even, odd};
        for (int32_t i = 0; i < 2; i++) {
            const uint32_t at = ((uint32_t)i * out_span) + (uint32_t)o;
            const int32_t bias = stream[o];
            if (form == MCUQ_GEMM_TWICE) {
                output[at] = (int8_t)mcuq_requantize_twice(mcuq_wrapping_add(bias, twice[i]), stream[4 + (2 * o)],
                                                           stream[5 + (2 * o)], (uint32_t)stream[12 + o]);
            } else {
                const int32_t scaled = mcuq_wrapping_add(bias, mcuq_wrapping_shift_left(twice[i], 8U));
                output[at] = (int8_t)mcuq_requantize_affine(scaled, stream[4 + o], 13U);
            }
        }
    }
}

MCUQ_ALWAYS_INLINE void mcuq_winograd_groups(const int32_t *stream, uint32_t groups, uint32_t group_words,
                                             const int16_t *activations, uint32_t count, int32_t *sums, int8_t *output,
                                             uint32_t out_span, const int32_t run, const int32_t unrolled,
                                             const int32_t form)
{
    const int16_t *a = activations;
    int8_t *out = output;
    (void)sums;
    (void)unrolled;
    for (uint32_t pair = 0U; pair < count; pair++) {
        for (uint32_t group = 0U; group < groups; group++) {
            const int32_t *weights = &stream[group * group_words];
            mcuq_winograd_tile(weights, a, run, form, out, out_span);
            mcuq_winograd_tile(weights, &a[2 * run], run, form, &out[2U * out_span], out_span);
            out = &out[4];
        }
        out = &out[3U * out_span];
        a = &a[4 * run];
    }
}

#endif

/* A row of outputs. What is no whole pair of tiles or group of channels, and all of a layer that clamps to less than
 * int8, goes through a small buffer. */
MCUQ_ALWAYS_INLINE void mcuq_winograd_run(const mcuq_conv_2d_s8_winograd_params *params, const int32_t *packed,
                                          const mcuq_conv_2d_s8_winograd_state *state, int8_t *output,
                                          const int32_t run, const int32_t unrolled, const int32_t form)
{
    const mcuq_gemm_params *const gemm = &params->gemm;
    const int32_t whole = gemm->clamped ? 0 : (gemm->channels & ~3);
    const uint32_t group_words = (uint32_t)((4 * run) + 8 + (8 * form));
    const int16_t *a = state->start;
    int8_t *out = output;
    int32_t channel = 0;
    int32_t left = params->output_width;
    while (left > 0) { /* the assembly is there only once */
        int8_t staged[16];
        const bool direct = (left >= 4) && (channel < whole);
        const uint32_t groups = direct ? ((uint32_t)whole / 4U) : 1U;
        const uint32_t count = (direct && (whole == gemm->channels)) ? ((uint32_t)left / 4U) : 1U;
        mcuq_winograd_groups(&packed[((uint32_t)channel / 4U) * group_words], groups, group_words, a, count,
                             state->sums, direct ? &out[channel] : staged, direct ? (uint32_t)gemm->channels : 4U, run,
                             unrolled, form);
        if (!direct) {
            const int32_t stored = ((gemm->channels - channel) < 4) ? (gemm->channels - channel) : 4;
            for (int32_t i = 0; (i < 4) && (i < left); i++) {
                mcuq_gemm_store(gemm, &staged[4 * i], stored, &out[(i * gemm->channels) + channel]);
            }
        }
        channel += (int32_t)(4U * groups);
        if (channel >= gemm->channels) {
            channel = 0;
            left -= (int32_t)(4U * count);
            a = &a[(int32_t)count * 4 * run];
            out = &out[(int32_t)(4U * count) * gemm->channels];
        }
    }
}

MCUQ_ALWAYS_INLINE void mcuq_conv_2d_s8_winograd(const mcuq_conv_2d_s8_winograd_params *params, const int8_t *input,
                                                 const int32_t *packed, int16_t *scratch, int8_t *output,
                                                 const int32_t run, const int32_t unrolled, const int32_t form)
{
    int8_t *out = output;
    for (int32_t n = 0; n < params->batches; n++) {
        const int8_t *image = &input[n * params->input_height * params->input_width * params->channels];
        mcuq_conv_2d_s8_winograd_state state = mcuq_conv_2d_s8_winograd_begin(params, scratch);
        for (int32_t y = 0; y < params->output_height; y++) {
            mcuq_conv_2d_s8_winograd_row(params, image, y, &state);
            mcuq_winograd_run(params, packed, &state, out, run, unrolled, form);
            out = &out[params->output_width * params->gemm.channels];
        }
    }
}

#define MCUQ_CONV_2D_S8_WINOGRAD(name, run, unrolled, form)                                                            \
    static __attribute__((noinline)) void mcuq_conv_2d_s8_winograd_##name(                                             \
        const mcuq_conv_2d_s8_winograd_params *params, const int8_t *input, const int32_t *packed, int16_t *scratch,   \
        int8_t *output)                                                                                                \
    {                                                                                                                  \
        mcuq_conv_2d_s8_winograd(params, input, packed, scratch, output, run, unrolled, form);                         \
    }

#endif
