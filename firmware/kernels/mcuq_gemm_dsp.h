/* Matrix products of int8 weights and int16 activations with two weights in each halfword (DSP extension).
 *
 * Weights: for a pair of output channels (o, o+1) and an activation k the halfword 256 * w[o+1][k] + w[o][k]; a word
 * holds the halfwords of two activations, the even one low. One SMLAD of such a word yields 256 * S[o+1] + S[o]; SXTB16
 * leaves w[o] alone, and a second SMLAD yields S[o]. Their difference is 256 * S[o+1]: exact modulo 2^32, and so exact
 * while |S| < 2^23, which the packing proves offline (mcuq/kernels/packed_weights.py).
 *
 * Packed stream: for each group of 4 output channels the words of all activation pairs (channels 0 and 1, then 2 and
 * 3), then its constants: 4 biases and 4 multipliers (affine), or 4 biases, 4 times multiplier and rounding, and 4 shifts
 * (twice rounded), as in mcuq_fast_requantize.h. Channels past the last are zeros. The affine form's shifts, 9 and 13, are
 * built into the code.
 *
 * The code has as many steps, one for each pair of activations, as a literal says. It loops over them and is entered in
 * the middle, or has exactly those that the layer needs, and neither loop nor entry.
 *
 * Cost on a Cortex-M4: 15 cycles for 4 channels, 2 pixels and 2 activations (0.94 a product), and for the 8 outputs 54
 * (affine), 51 (seeded) or 84 (twice rounded); a loop costs 16 for the 8 outputs and 7 for each round behind the first.
 */
#ifndef MCUQ_GEMM_DSP_H
#define MCUQ_GEMM_DSP_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_dsp.h"
#include "mcuq_fast_requantize.h"
#include "mcuq_spill_dsp.h"

typedef struct {
    int32_t pairs;    /* activation pairs of one output */
    int32_t channels; /* output channels, no multiple of anything */
    int32_t pitch;    /* bytes from one output pixel to the next: the channels, more where they are a part of a layer */
    bool twice;       /* two roundings, else affine */
    bool clamped;     /* the activation's range is narrower than int8 */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_gemm_params;

#define MCUQ_ALWAYS_INLINE static inline __attribute__((always_inline))

/* Of a loop that all layers share. */
enum { MCUQ_GEMM_UNROLLED = 16 };

/* The requantizations that a function has code for. MCUQ_GEMM_SEEDED is affine; odd channels, whose sums come 256 times
 * too large, are shifted by no more than that, and the sums begin with their biases: those of channels 1 and 3 stand
 * before a group's weights, and behind these the biases of channels 0 and 2, and the multipliers of 0, 2, 1 and 3. */
enum { MCUQ_GEMM_AFFINE = 0, MCUQ_GEMM_TWICE = 1, MCUQ_GEMM_EITHER = 2, MCUQ_GEMM_SEEDED = 3 };

/* Literals that a function is specialised by. */
typedef struct {
    int32_t pixel;    /* bytes from a pixel's activations to those of the second of a pair */
    int32_t step;     /* bytes from a pair of activations to the next */
    int32_t unrolled; /* steps behind the first pair's */
    int32_t exact;    /* 1: there are unrolled + 1 pairs; 0: any number, in a loop */
    int32_t form;     /* MCUQ_GEMM_AFFINE, MCUQ_GEMM_TWICE or MCUQ_GEMM_EITHER */
} mcuq_gemm_code;

/* What does not change from pixel to pixel. */
typedef struct {
    uint32_t pairs;
    uint32_t skipped;     /* steps of the unrolled loop's first round that there are no pairs for; the first is apart */
    uint32_t group_words; /* of the stream */
    uint32_t twice;
    int32_t channels;
    int32_t pitch;
    int32_t whole; /* channels in groups that are stored directly */
} mcuq_gemm_plan;

MCUQ_ALWAYS_INLINE mcuq_gemm_plan mcuq_gemm_prepare_for(const mcuq_gemm_params *params, const int32_t unrolled)
{
    const uint32_t pairs = (uint32_t)params->pairs;
    const uint32_t last = (pairs - 1U) % ((unrolled > 0) ? (uint32_t)unrolled : 1U); /* steps of a round cut short */
    mcuq_gemm_plan plan;
    plan.pairs = pairs;
    plan.skipped = ((pairs == 1U) || (last != 0U)) ? ((uint32_t)unrolled - last) : 0U;
    plan.group_words = (2U * pairs) + (params->twice ? 16U : 8U);
    plan.twice = params->twice ? 1U : 0U;
    plan.channels = params->channels;
    plan.pitch = params->pitch;
    plan.whole = params->clamped ? 0 : (params->channels & ~3);
    return plan;
}

static inline mcuq_gemm_plan mcuq_gemm_prepare(const mcuq_gemm_params *params)
{
    return mcuq_gemm_prepare_for(params, MCUQ_GEMM_UNROLLED);
}

#if MCUQ_HAS_DSP

/* Registers of the assembly. First pixel: r0 and r2 the sums of channels 0 and 2, r1 and r3 the sums that have channels
 * 1 and 3 mixed in; second pixel: r4 to r7 likewise. r8, r9 weights, r10, r11 activations; r12 and lr point to
 * activations and weights. Everything else is kept by MCUQ_GET and MCUQ_PUT. */

/* One pair of activations of both pixels: 14 instructions of 4 bytes. */
#define MCUQ_GEMM_LOADS(index)                                                                                         \
    "ldr.w r10, [r12, #(" #index " * %c[step])]\n\t"                                                                   \
    "ldr.w r11, [r12, #(" #index " * %c[step] + %c[pixel])]\n\t"                                                       \
    "ldr.w r8, [lr, #(" #index " * 8)]\n\t"                                                                            \
    "ldr.w r9, [lr, #(" #index " * 8 + 4)]\n\t"
/* Left out by the assembler when the code has fewer steps. In exact code the first pair's stands before them. */
#define MCUQ_GEMM_STEP(index)                                                                                          \
    ".if " #index " < %c[unrolled]\n\t"                                                                                \
    MCUQ_GEMM_LOADS((index + %c[exact]))                                                                               \
    "smlad r1, r8, r10, r1\n\t"                                                                                        \
    "smlad r5, r8, r11, r5\n\t"                                                                                        \
    "sxtb16 r8, r8\n\t"                                                                                                \
    "smlad r3, r9, r10, r3\n\t"                                                                                        \
    "smlad r7, r9, r11, r7\n\t"                                                                                        \
    "sxtb16 r9, r9\n\t"                                                                                                \
    "smlad r0, r8, r10, r0\n\t"                                                                                        \
    "smlad r4, r8, r11, r4\n\t"                                                                                        \
    "smlad r2, r9, r10, r2\n\t"                                                                                        \
    "smlad r6, r9, r11, r6\n\t"                                                                                        \
    ".endif\n\t"
#define MCUQ_GEMM_EIGHT_STEPS(a, b, c, d, e, f, g, h)                                                                  \
    MCUQ_GEMM_STEP(a) MCUQ_GEMM_STEP(b) MCUQ_GEMM_STEP(c) MCUQ_GEMM_STEP(d)                                            \
    MCUQ_GEMM_STEP(e) MCUQ_GEMM_STEP(f) MCUQ_GEMM_STEP(g) MCUQ_GEMM_STEP(h)
/* The most steps that code can have. */
#define MCUQ_GEMM_ALL_STEPS                                                                                            \
    MCUQ_GEMM_EIGHT_STEPS(0, 1, 2, 3, 4, 5, 6, 7)                                                                      \
    MCUQ_GEMM_EIGHT_STEPS(8, 9, 10, 11, 12, 13, 14, 15)                                                                \
    MCUQ_GEMM_EIGHT_STEPS(16, 17, 18, 19, 20, 21, 22, 23)                                                              \
    MCUQ_GEMM_EIGHT_STEPS(24, 25, 26, 27, 28, 29, 30, 31)                                                              \
    MCUQ_GEMM_EIGHT_STEPS(32, 33, 34, 35, 36, 37, 38, 39)                                                              \
    MCUQ_GEMM_EIGHT_STEPS(40, 41, 42, 43, 44, 45, 46, 47)                                                              \
    MCUQ_GEMM_EIGHT_STEPS(48, 49, 50, 51, 52, 53, 54, 55)                                                              \
    MCUQ_GEMM_EIGHT_STEPS(56, 57, 58, 59, 60, 61, 62, 63)
/* The first pair, which begins the sums. */
#define MCUQ_GEMM_FIRST_STEP                                                                                           \
    ".if %c[form] == 3\n\t"                                                                                            \
    "ldmia.w lr!, {r1, r3}\n\t"                                                                                        \
    ".endif\n\t"                                                                                                       \
    MCUQ_GEMM_LOADS(0)                                                                                                 \
    ".if %c[form] == 3\n\t"                                                                                            \
    "smlad r5, r8, r11, r1\n\t"                                                                                        \
    "smlad r1, r8, r10, r1\n\t"                                                                                        \
    "smlad r7, r9, r11, r3\n\t"                                                                                        \
    "smlad r3, r9, r10, r3\n\t"                                                                                        \
    ".else\n\t"                                                                                                        \
    "smuad r1, r8, r10\n\t"                                                                                            \
    "smuad r5, r8, r11\n\t"                                                                                            \
    "smuad r3, r9, r10\n\t"                                                                                            \
    "smuad r7, r9, r11\n\t"                                                                                            \
    ".endif\n\t"                                                                                                       \
    "sxtb16 r8, r8\n\t"                                                                                                \
    "sxtb16 r9, r9\n\t"                                                                                                \
    "smuad r0, r8, r10\n\t"                                                                                            \
    "smuad r4, r8, r11\n\t"                                                                                            \
    "smuad r2, r9, r10\n\t"                                                                                            \
    "smuad r6, r9, r11\n\t"
#define MCUQ_GEMM_STEP_BYTES 56U

/* The next four words of the stream, one for each channel. */
#define MCUQ_GEMM_CONSTANTS "ldmia.w lr!, {r8, r9, r10, r11}\n\t"

/* One instruction for each of the 8 outputs and its channel's constant; what stands behind the sums of even channels
 * and of odd ones. */
#define MCUQ_GEMM_EACH(op, even_tail, odd_tail)                                                                        \
    op " r0, r8, r0" even_tail "\n\t"                                                                                  \
    op " r1, r9, r1" odd_tail "\n\t"                                                                                   \
    op " r2, r10, r2" even_tail "\n\t"                                                                                 \
    op " r3, r11, r3" odd_tail "\n\t"                                                                                  \
    op " r4, r8, r4" even_tail "\n\t"                                                                                  \
    op " r5, r9, r5" odd_tail "\n\t"                                                                                   \
    op " r6, r10, r6" even_tail "\n\t"                                                                                 \
    op " r7, r11, r7" odd_tail "\n\t"
#define MCUQ_GEMM_SHIFT_EACH                                                                                           \
    "asr.w r0, r0, r8\n\t"                                                                                             \
    "asr.w r1, r1, r9\n\t"                                                                                             \
    "asr.w r2, r2, r10\n\t"                                                                                            \
    "asr.w r3, r3, r11\n\t"                                                                                            \
    "asr.w r4, r4, r8\n\t"                                                                                             \
    "asr.w r5, r5, r9\n\t"                                                                                             \
    "asr.w r6, r6, r10\n\t"                                                                                            \
    "asr.w r7, r7, r11\n\t"
/* The product with its rounding added, less one where the sum is negative. A negative sum with a product of 0 loses one
 * too, which does not reach the result: it is less than half an output unit. */
#define MCUQ_GEMM_ROUND(r, multiplier, rounding)                                                                       \
    "smmlar r12, r" #r ", " #multiplier ", " #rounding "\n\t"                                                          \
    "add.w r" #r ", r12, r" #r ", asr #31\n\t"
#define MCUQ_GEMM_SATURATE(r, tail) "ssat r" #r ", #8, r" #r tail "\n\t"
#define MCUQ_GEMM_SATURATE_EACH(tail)                                                                                  \
    MCUQ_GEMM_SATURATE(0, tail) MCUQ_GEMM_SATURATE(1, tail) MCUQ_GEMM_SATURATE(2, tail) MCUQ_GEMM_SATURATE(3, tail)    \
    MCUQ_GEMM_SATURATE(4, tail) MCUQ_GEMM_SATURATE(5, tail) MCUQ_GEMM_SATURATE(6, tail) MCUQ_GEMM_SATURATE(7, tail)

/* Sums with their biases, scaled, to outputs: affine. */
#define MCUQ_GEMM_AFFINE_SCALED                                                                                        \
    MCUQ_GEMM_CONSTANTS                                                                                                \
    MCUQ_GEMM_EACH("smmul", "", "")                                                                                    \
    MCUQ_GEMM_SATURATE_EACH(", asr #13")
/* Twice the sums with their biases to outputs: twice rounded. r12 is overwritten. */
#define MCUQ_GEMM_TWICE_ROUNDED                                                                                        \
    MCUQ_GEMM_CONSTANTS                                                                                                \
    MCUQ_GEMM_ROUND(0, r8, r9) MCUQ_GEMM_ROUND(4, r8, r9) MCUQ_GEMM_ROUND(1, r10, r11) MCUQ_GEMM_ROUND(5, r10, r11)    \
    MCUQ_GEMM_CONSTANTS                                                                                                \
    MCUQ_GEMM_ROUND(2, r8, r9) MCUQ_GEMM_ROUND(6, r8, r9) MCUQ_GEMM_ROUND(3, r10, r11) MCUQ_GEMM_ROUND(7, r10, r11)    \
    MCUQ_GEMM_CONSTANTS                                                                                                \
    MCUQ_GEMM_SHIFT_EACH                                                                                               \
    MCUQ_GEMM_SATURATE_EACH("")
#define MCUQ_GEMM_AFFINE_OUTPUTS                                                                                       \
    MCUQ_GEMM_CONSTANTS                                                                                                \
    MCUQ_GEMM_EACH("add.w", ", lsl #9", ", lsl #1")                                                                    \
    MCUQ_GEMM_AFFINE_SCALED
#define MCUQ_GEMM_TWICE_OUTPUTS                                                                                        \
    MCUQ_GEMM_CONSTANTS                                                                                                \
    MCUQ_GEMM_EACH("add.w", ", lsl #1", ", asr #7")                                                                    \
    MCUQ_GEMM_TWICE_ROUNDED
#define MCUQ_GEMM_SEEDED_OUTPUTS                                                                                       \
    MCUQ_GEMM_CONSTANTS                                                                                                \
    "add.w r0, r8, r0, lsl #9\n\t"                                                                                     \
    "add.w r4, r8, r4, lsl #9\n\t"                                                                                     \
    "add.w r2, r9, r2, lsl #9\n\t"                                                                                     \
    "add.w r6, r9, r6, lsl #9\n\t"                                                                                     \
    "smmul r0, r10, r0\n\t"                                                                                            \
    "smmul r4, r10, r4\n\t"                                                                                            \
    "smmul r2, r11, r2\n\t"                                                                                            \
    "smmul r6, r11, r6\n\t"                                                                                            \
    "ldmia.w lr!, {r8, r9}\n\t"                                                                                        \
    "smmul r1, r8, r1\n\t"                                                                                             \
    "smmul r5, r8, r5\n\t"                                                                                             \
    "smmul r3, r9, r3\n\t"                                                                                             \
    "smmul r7, r9, r7\n\t"                                                                                             \
    MCUQ_GEMM_SATURATE_EACH(", asr #13")
/* Four outputs of the first pixel in r0, of the second in r4. */
#define MCUQ_GEMM_JOIN                                                                                                 \
    "bfi r0, r1, #8, #8\n\t"                                                                                           \
    "bfi r2, r3, #8, #8\n\t"                                                                                           \
    "bfi r4, r5, #8, #8\n\t"                                                                                           \
    "bfi r6, r7, #8, #8\n\t"                                                                                           \
    "pkhbt r0, r0, r2, lsl #16\n\t"                                                                                    \
    "pkhbt r4, r4, r6, lsl #16\n\t"

/* Outputs of groups of four channels for count pairs of pixels. A pair's second pixel is stored span bytes behind the
 * first, and before it. pair_advance is the distance in bytes from one pair of pixels to the next, whose first outputs
 * follow the first pixel's after skip bytes. The members of code are literals. */
MCUQ_ALWAYS_INLINE void mcuq_gemm_groups(const mcuq_gemm_plan *plan, const int32_t *stream, uint32_t groups,
                                         const int16_t *activations, uint32_t count, const mcuq_gemm_code code,
                                         uint32_t pair_advance, int8_t *output, uint32_t out_span, uint32_t out_skip)
{
    /* The unrolled loop is entered in the middle: skipped steps come first. */
    const uint32_t first = (uint32_t)(uintptr_t)activations;
    const mcuq_spilled entry = mcuq_spill(plan->skipped * MCUQ_GEMM_STEP_BYTES);
    const mcuq_spilled ahead = mcuq_spill(4U - (plan->skipped * 4U)); /* from the first step to the loop's start */
    const mcuq_spilled packed = mcuq_spill((uint32_t)(uintptr_t)stream);
    const mcuq_spilled last = mcuq_spill((uint32_t)(uintptr_t)&stream[groups * plan->group_words]);
    const mcuq_spilled twice = mcuq_spill(plan->twice);
    const mcuq_spilled advance = mcuq_spill(pair_advance);
    const mcuq_spilled span = mcuq_spill(out_span);
    const mcuq_spilled skip = mcuq_spill(out_skip);
    mcuq_spilled start = mcuq_spill(first);
    mcuq_spilled end = mcuq_spill(first + (plan->pairs * (uint32_t)code.step));
    mcuq_spilled out = mcuq_spill((uint32_t)(uintptr_t)output);
    mcuq_spilled left = mcuq_spill(count);
    /* MISRA C:2012 dir 4.3: assembly, encapsulated here. It takes all core registers, so the code around it must be
     * compiled without a frame pointer, as gcc does from -O1 on. */
    __asm__ volatile(
        "5:\n\t"
        MCUQ_GET(lr, packed)
        ".if (%c[exact] == 1) && (%c[form] != 1)\n\t" /* r12 stays as it is */
        MCUQ_GET(r12, start)
        "0:\n\t"
        ".else\n"
        "0:\n\t"
        MCUQ_GET(r12, start)
        ".endif\n\t"
        MCUQ_GEMM_FIRST_STEP
        ".if %c[exact] == 0\n\t"
        MCUQ_GET(r8, ahead)
        "add.w lr, lr, r8, lsl #1\n\t"
        "add.w r12, r12, r8, lsl #(%c[step] / 8)\n\t"
        MCUQ_GET(r8, entry)
        "add pc, r8\n\t"
        "nop.n\n\t"
        ".endif\n"
        "1:\n\t"
        MCUQ_GEMM_ALL_STEPS
        ".if %c[exact]\n\t"
        "add.w lr, lr, #(%c[unrolled] * 8 + 8)\n\t"
        ".else\n\t"
        MCUQ_GET(r8, end)
        "add.w r12, r12, #(%c[unrolled] * %c[step])\n\t"
        "add.w lr, lr, #(%c[unrolled] * 8)\n\t"
        "cmp r12, r8\n\t"
        "bne.w 1b\n\t"
        ".endif\n\t"
        "subs r1, r1, r0\n\t"
        "subs r3, r3, r2\n\t"
        "subs r5, r5, r4\n\t"
        "subs r7, r7, r6\n\t"
        ".if %c[form] == 2\n\t"
        MCUQ_GET(r8, twice)
        "cmp r8, #0\n\t"
        "bne.w 2f\n\t"
        ".endif\n\t"
        ".if %c[form] == 1\n\t"
        MCUQ_GEMM_TWICE_OUTPUTS
        ".elseif %c[form] == 3\n\t"
        MCUQ_GEMM_SEEDED_OUTPUTS
        ".else\n\t"
        MCUQ_GEMM_AFFINE_OUTPUTS
        ".endif\n"
        "3:\n\t"
        MCUQ_GEMM_JOIN
        MCUQ_GET(r8, out)
        MCUQ_GET(r9, span)
        "str.w r4, [r8, r9]\n\t"
        "str.w r0, [r8], #4\n\t"
        MCUQ_PUT(out, r8)
        MCUQ_GET(r10, last)
        "cmp lr, r10\n\t"
        "bne.w 0b\n\t"
        MCUQ_GET(r9, skip)
        "add.w r8, r8, r9\n\t" /* the next pair of pixels */
        MCUQ_PUT(out, r8)
        MCUQ_GET(r9, advance)
        MCUQ_GET(r8, start)
        "add.w r8, r8, r9\n\t"
        MCUQ_PUT(start, r8)
        MCUQ_GET(r8, end)
        "add.w r8, r8, r9\n\t"
        MCUQ_PUT(end, r8)
        MCUQ_GET(r8, left)
        "subs.w r8, r8, #1\n\t"
        MCUQ_PUT(left, r8)
        "bne.w 5b\n\t"
        ".if %c[form] == 2\n\t"
        "b.w 4f\n"
        "2:\n\t"
        MCUQ_GEMM_TWICE_OUTPUTS
        "b.w 3b\n\t"
        ".endif\n"
        "4:\n\t"
        : [start] MCUQ_SPILL_CHANGED(start), [end] MCUQ_SPILL_CHANGED(end), [out] MCUQ_SPILL_CHANGED(out),
          [left] MCUQ_SPILL_CHANGED(left)
        : [entry] MCUQ_SPILL(entry), [ahead] MCUQ_SPILL(ahead), [packed] MCUQ_SPILL(packed), [last] MCUQ_SPILL(last),
          [twice] MCUQ_SPILL(twice), [advance] MCUQ_SPILL(advance), [span] MCUQ_SPILL(span), [skip] MCUQ_SPILL(skip),
          [pixel] "i"(code.pixel), [step] "i"(code.step), [unrolled] "i"(code.unrolled), [exact] "i"(code.exact), [form] "i"(code.form)
        : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

/* Twin in C of the assembly above. */
MCUQ_ALWAYS_INLINE void mcuq_gemm_pixel(const mcuq_gemm_plan *plan, const int32_t *stream, const uint8_t *a,
                                        const mcuq_gemm_code code, int8_t *output)
{
    const bool seeded = code.form == MCUQ_GEMM_SEEDED;
    const int32_t *const weights = seeded ? &stream[2] : stream;
    const int32_t *const constants = &weights[2U * plan->pairs];
    int32_t mixed[2] = {seeded ? stream[0] : 0, seeded ? stream[1] : 0};
    int32_t even[2] = {0, 0};
    for (int32_t i = 0; i < (int32_t)(2U * plan->pairs); i++) {
        const uint32_t both = (uint32_t)weights[i];
        const uint32_t x = mcuq_load_word(&a[(i / 2) * code.step]);
        mixed[i % 2] = mcuq_smlad(both, x, mixed[i % 2]);
        even[i % 2] = mcuq_smlad(mcuq_sxtb16(both), x, even[i % 2]);
    }
    for (int32_t i = 0; i < 4; i++) {
        const int32_t odd256 = mcuq_wrapping_subtract(mixed[i / 2], even[i / 2]);
        const int32_t sum = ((i % 2) == 1) ? (odd256 >> 8) : even[i / 2];
        const int32_t sum512 = mcuq_wrapping_shift_left(sum, 9U);
        if (plan->twice != 0U) {
            const int32_t doubled = mcuq_wrapping_add(constants[i], mcuq_wrapping_shift_left(sum, 1U));
            output[i] = (int8_t)mcuq_requantize_twice(doubled, constants[4 + (2 * i)], constants[5 + (2 * i)],
                                                      (uint32_t)constants[12 + i]);
        } else if (!seeded) {
            output[i] =
                (int8_t)mcuq_requantize_affine(mcuq_wrapping_add(constants[i], sum512), constants[4 + i], 13U);
        } else if ((i % 2) == 1) {
            output[i] = (int8_t)mcuq_requantize_affine(odd256, constants[4 + (i / 2)], 13U);
        } else {
            output[i] = (int8_t)mcuq_requantize_affine(mcuq_wrapping_add(constants[i / 2], sum512),
                                                       constants[2 + (i / 2)], 13U);
        }
    }
}

MCUQ_ALWAYS_INLINE void mcuq_gemm_groups(const mcuq_gemm_plan *plan, const int32_t *stream, uint32_t groups,
                                         const int16_t *activations, uint32_t count, const mcuq_gemm_code code,
                                         uint32_t pair_advance, int8_t *output, uint32_t out_span, uint32_t out_skip)
{
    const uint8_t *a = (const uint8_t *)activations;
    int8_t *out = output;
    for (uint32_t pair = 0U; pair < count; pair++) {
        for (uint32_t group = 0U; group < groups; group++) {
            const int32_t *weights = &stream[group * plan->group_words];
            mcuq_gemm_pixel(plan, weights, &a[code.pixel], code, &out[out_span]);
            mcuq_gemm_pixel(plan, weights, a, code, out);
            out = &out[4];
        }
        out = &out[out_skip];
        a = &a[pair_advance];
    }
}

#endif

/* The first count values, clamped to the activation's range. */
static inline void mcuq_gemm_store(const mcuq_gemm_params *params, const int8_t values[4], int32_t count,
                                   int8_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t floored = (values[i] < params->activation_min) ? params->activation_min : values[i];
        output[i] = (int8_t)((floored > params->activation_max) ? params->activation_max : floored);
    }
}

/* All output channels of a run of pixels, two at a time; those of the next pair are pair_advance bytes behind. Pairs are
 * neighbours, and a last pixel alone is computed as both of a pair, which may read what lies behind its activations; or
 * with spread above 1, pixels so far apart, in as many whole blocks of 2 * spread pixels: for layers of which no channel
 * is clamped or left over. Groups of less than four channels, and all of a layer that clamps to less than int8, go
 * through a small buffer. plan is made for code.unrolled. */
MCUQ_ALWAYS_INLINE void mcuq_gemm_run_as(const mcuq_gemm_params *params, const mcuq_gemm_plan *plan,
                                         const int32_t *packed, const int16_t *activations, int32_t pixels,
                                         const mcuq_gemm_code code, uint32_t pair_advance, const int32_t spread,
                                         int8_t *output)
{
    const int16_t *a = activations;
    int8_t *out = output;
    int32_t channel = 0;
    int32_t left = pixels;
    while (left > 0) { /* the assembly is there only once */
        int8_t staged[8];
        const bool direct = channel < plan->whole;
        const uint32_t groups = direct ? ((uint32_t)plan->whole / 4U) : 1U;
        const uint32_t pairs = (spread > 1) ? (uint32_t)spread : ((uint32_t)left / 2U);
        const uint32_t count = ((plan->whole == plan->channels) && (left > 1)) ? pairs : 1U;
        const uint32_t span = (left > 1) ? (uint32_t)(spread * plan->pitch) : 0U;
        const uint32_t skip = direct ? ((((spread > 1) ? 1U : 2U) * (uint32_t)plan->pitch) - (4U * groups)) : 0U;
        mcuq_gemm_groups(plan, &packed[((uint32_t)channel / 4U) * plan->group_words], groups, a, count, code,
                         pair_advance, direct ? out : staged, direct ? span : 4U, skip);
        if (!direct) {
            const int32_t stored = ((plan->channels - channel) < 4) ? (plan->channels - channel) : 4;
            mcuq_gemm_store(params, &staged[4], stored, &out[(int32_t)span + channel]);
            mcuq_gemm_store(params, staged, stored, &out[channel]);
        }
        channel += (int32_t)(4U * groups);
        if (channel >= plan->channels) {
            channel = 0;
            left -= (int32_t)(2U * count);
            a = &a[((spread > 1) ? (2U * (uint32_t)code.pixel) : (count * pair_advance)) / 2U];
            out = &out[2 * (int32_t)count * plan->pitch];
        }
    }
}

/* The same with the loop of MCUQ_GEMM_UNROLLED steps and code for both requantizations. */
MCUQ_ALWAYS_INLINE void mcuq_gemm_run(const mcuq_gemm_params *params, const mcuq_gemm_plan *plan,
                                      const int32_t *packed, const int16_t *activations, int32_t pixels,
                                      const int32_t pixel, const int32_t step, uint32_t pair_advance, int8_t *output)
{
    const mcuq_gemm_code code = {pixel, step, MCUQ_GEMM_UNROLLED, 0, MCUQ_GEMM_EITHER};
    mcuq_gemm_run_as(params, plan, packed, activations, pixels, code, pair_advance, 1, output);
}

#endif
