#include "mcuq_fully_connected_narrow.h"

#include "mcuq_dsp.h"
#include "mcuq_fast_requantize.h"
#include "mcuq_gemm_dsp.h"
#include "mcuq_spill_dsp.h"
#include "mcuq_widen_dsp.h"

enum { GROUP = 8, CONSTANT_WORDS = 16, HALVES = 16, TABLE_WORDS = HALVES * HALVES };

typedef enum { INT4, INT2, PALETTE16, PALETTE4 } encoding_kind;

/* Words of an activation pair. */
MCUQ_ALWAYS_INLINE int32_t words_of_pair(const encoding_kind encoding)
{
    return ((encoding == INT2) || (encoding == PALETTE4)) ? 1 : 2;
}

/* What a row's groups need to know. */
typedef struct {
    const mcuq_fully_connected_s8_dsp_params *params;
    const int16_t *activations;
    const uint32_t *table;
    int32_t pairs;
    int32_t sum; /* of the activations */
} row;

#if MCUQ_HAS_DSP

/* Activation pairs of the unrolled loop, which is entered in the middle for those that do not fill it. */
#define UNROLLED 8U

#define LOAD(into, base, offset) "ldr.w %[" #into "], [%[" #base "], #(" offset ")]\n\t"
#define MAC(sum, weights) "smlad %[" #sum "], %[" #weights "], %[x], %[" #sum "]\n\t"
#define MASK(into, codes, mask) "and.w %[" #into "], %[" #codes "], #" #mask "\n\t"

/* 17 instructions of 4 bytes. */
#define INT4_WORD(q, s, b, t, r)                                                                                       \
    MAC(r, q)                                                                                                          \
    MASK(y, q, 0x0f000f00) MAC(t, y)                                                                                   \
    MASK(y, q, 0x000f000f) MAC(s, y)                                                                                   \
    "uxtb16 %[" #q "], %[" #q "]\n\t" MAC(b, q)
#define INT4_STEP(n)                                                                                                   \
    LOAD(x, a, #n " * 4") LOAD(q, w, #n " * 8") LOAD(z, w, #n " * 8 + 4")                                              \
    INT4_WORD(q, s0, s1, s2, s3)                                                                                       \
    INT4_WORD(z, s4, s5, s6, s7)
#define INT4_STEP_BYTES 68U

/* 18 instructions of 4 bytes. */
#define INT2_HALF(q, s, b, t, r)                                                                                       \
    MAC(r, q)                                                                                                          \
    MASK(y, q, 0x00030003) MAC(s, y)                                                                                   \
    MASK(y, q, 0x000c000c) MAC(b, y)                                                                                   \
    MASK(y, q, 0x00300030) MAC(t, y)
#define INT2_STEP(n)                                                                                                   \
    LOAD(x, a, #n " * 4") LOAD(q, w, #n " * 4")                                                                        \
    "uxtb16 %[z], %[q]\n\t"                                                                                            \
    INT2_HALF(z, s0, s1, s2, s3)                                                                                       \
    "uxtb16 %[q], %[q], ror #8\n\t"                                                                                    \
    INT2_HALF(q, s4, s5, s6, s7)
#define INT2_STEP_BYTES 72U

/* 25 instructions of 4 bytes. */
#define PALETTE_TWO(n, i, j, s, r)                                                                                     \
    "ldrb.w %[q], [%[w], #(" #n " * 8 + " #i ")]\n\t"                                                                  \
    "ldrb.w %[z], [%[w], #(" #n " * 8 + " #j ")]\n\t"                                                                  \
    "ldr.w %[q], [%[y], %[q], lsl #2]\n\t"                                                                             \
    "ldr.w %[z], [%[y], %[z], lsl #2]\n\t"                                                                             \
    MAC(s, q) MAC(r, z)
#define PALETTE_STEP(n)                                                                                                \
    LOAD(x, a, #n " * 4")                                                                                              \
    PALETTE_TWO(n, 0, 1, s0, s1) PALETTE_TWO(n, 2, 3, s2, s3)                                                          \
    PALETTE_TWO(n, 4, 5, s4, s5) PALETTE_TWO(n, 6, 7, s6, s7)
#define PALETTE_STEP_BYTES 100U

/* 29 instructions of 4 bytes. */
#define PALETTE4_TWO(n, i, j, e0, m0, e1, m1)                                                                          \
    "ldrb.w %[q], [%[w], #(" #n " * 4 + " #i ")]\n\t"                                                                  \
    "ldrb.w %[z], [%[w], #(" #n " * 4 + " #j ")]\n\t"                                                                  \
    "ldr.w %[q], [%[y], %[q], lsl #2]\n\t"                                                                             \
    "ldr.w %[z], [%[y], %[z], lsl #2]\n\t"                                                                             \
    MAC(m0, q) MAC(m1, z)                                                                                              \
    "sxtb16 %[q], %[q]\n\t"                                                                                            \
    "sxtb16 %[z], %[z]\n\t"                                                                                            \
    MAC(e0, q) MAC(e1, z)
#define PALETTE4_STEP(n)                                                                                               \
    LOAD(x, a, #n " * 4")                                                                                              \
    PALETTE4_TWO(n, 0, 1, s0, s1, s2, s3)                                                                              \
    PALETTE4_TWO(n, 2, 3, s4, s5, s6, s7)
#define PALETTE4_STEP_BYTES 84U

#define ALL_STEPS(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7)

/* Sums of four outputs, each multiplied by a power of two, and the last one with the others mixed in, to sums shifted
 * left by x bits: the second and third and last by less. */
#define INT4_SEPARATE(s, b, t, r)                                                                                      \
    "sub.w %[" #r "], %[" #r "], %[" #t "]\n\t"                                                                        \
    "sub.w %[" #r "], %[" #r "], %[" #b "]\n\t"                                                                        \
    "sub.w %[" #b "], %[" #b "], %[" #s "]\n\t"                                                                        \
    "asr.w %[" #r "], %[" #r "], #12\n\t"                                                                              \
    "lsl.w %[" #s "], %[" #s "], %[x]\n\t"                                                                             \
    "lsl.w %[" #b "], %[" #b "], %[y]\n\t"                                                                             \
    "lsl.w %[" #t "], %[" #t "], %[z]\n\t"                                                                             \
    "lsl.w %[" #r "], %[" #r "], %[x]\n\t"
#define INT4_SEPARATE_ALL                                                                                              \
    "sub.w %[y], %[x], #4\n\t"                                                                                         \
    "sub.w %[z], %[x], #8\n\t"                                                                                         \
    INT4_SEPARATE(s0, s1, s2, s3)                                                                                      \
    INT4_SEPARATE(s4, s5, s6, s7)
#define INT2_SEPARATE(s, b, t, r)                                                                                      \
    "sub.w %[" #r "], %[" #r "], %[" #t "]\n\t"                                                                        \
    "sub.w %[" #r "], %[" #r "], %[" #b "]\n\t"                                                                        \
    "sub.w %[" #r "], %[" #r "], %[" #s "]\n\t"                                                                        \
    "lsl.w %[" #s "], %[" #s "], %[x]\n\t"                                                                             \
    "lsl.w %[" #b "], %[" #b "], %[y]\n\t"                                                                             \
    "lsl.w %[" #t "], %[" #t "], %[z]\n\t"                                                                             \
    "lsl.w %[" #r "], %[" #r "], %[q]\n\t"
#define INT2_SEPARATE_ALL                                                                                              \
    "sub.w %[y], %[x], #2\n\t"                                                                                         \
    "sub.w %[z], %[x], #4\n\t"                                                                                         \
    "sub.w %[q], %[x], #6\n\t"                                                                                         \
    INT2_SEPARATE(s0, s1, s2, s3)                                                                                      \
    INT2_SEPARATE(s4, s5, s6, s7)
#define SHIFT(s) "lsl.w %[" #s "], %[" #s "], %[x]\n\t"
#define PALETTE_SEPARATE_ALL SHIFT(s0) SHIFT(s1) SHIFT(s2) SHIFT(s3) SHIFT(s4) SHIFT(s5) SHIFT(s6) SHIFT(s7)
#define PALETTE4_SEPARATE(e, m)                                                                                        \
    "sub.w %[" #m "], %[" #m "], %[" #e "]\n\t"                                                                        \
    "lsl.w %[" #e "], %[" #e "], %[x]\n\t"                                                                             \
    "lsl.w %[" #m "], %[" #m "], %[y]\n\t"
#define PALETTE4_SEPARATE_ALL                                                                                          \
    "sub.w %[y], %[x], #8\n\t"                                                                                         \
    PALETTE4_SEPARATE(s0, s1) PALETTE4_SEPARATE(s2, s3) PALETTE4_SEPARATE(s4, s5) PALETTE4_SEPARATE(s6, s7)

/* The next four words of the stream, one for each of four outputs. */
#define WITH_FOUR(op, s, b, t, r)                                                                                      \
    LOAD(x, w, "0") LOAD(q, w, "4") LOAD(z, w, "8") LOAD(y, w, "12")                                                   \
    "add.w %[w], %[w], #16\n\t"                                                                                        \
    op " %[" #s "], %[x], %[" #s "]\n\t"                                                                               \
    op " %[" #b "], %[q], %[" #b "]\n\t"                                                                               \
    op " %[" #t "], %[z], %[" #t "]\n\t"                                                                               \
    op " %[" #r "], %[y], %[" #r "]\n\t"

#define FINISH(sum, offset)                                                                                            \
    "asr.w %[" #sum "], %[" #sum "], %[x]\n\t"                                                                         \
    "ssat %[" #sum "], #8, %[" #sum "]\n\t"                                                                            \
    "strb.w %[" #sum "], [%[a], #" #offset "]\n\t"

/* Every group: the steps, then what separates the sums. */
#define GROUPS(step, step_words, separate)                                                                             \
    "0:\n\t"                                                                                                           \
    MCUQ_GET(%[s0], begin0) MCUQ_GET(%[s1], begin1) MCUQ_GET(%[s2], begin2) MCUQ_GET(%[s3], begin3)                    \
    MCUQ_GET(%[s4], begin0) MCUQ_GET(%[s5], begin1) MCUQ_GET(%[s6], begin2) MCUQ_GET(%[s7], begin3)                    \
    MCUQ_GET(%[x], back)                                                                                               \
    "sub.w %[w], %[w], %[x]\n\t"                                                                                       \
    MCUQ_GET(%[a], start)                                                                                              \
    MCUQ_GET(%[y], table)                                                                                              \
    MCUQ_GET(%[x], entry)                                                                                              \
    "add pc, %[x]\n\t"                                                                                                 \
    "nop.n\n"                                                                                                          \
    "1:\n\t"                                                                                                           \
    ALL_STEPS(step)                                                                                                    \
    MCUQ_GET(%[x], end)                                                                                                \
    "add.w %[a], %[a], #32\n\t"                                                                                        \
    "add.w %[w], %[w], #(32 * " #step_words ")\n\t"                                                                    \
    "cmp %[a], %[x]\n\t"                                                                                               \
    "bne.w 1b\n\t"                                                                                                     \
    MCUQ_GET(%[x], left)                                                                                               \
    separate                                                                                                           \
    WITH_FOUR("add.w", s0, s1, s2, s3)                                                                                 \
    WITH_FOUR("add.w", s4, s5, s6, s7)                                                                                 \
    WITH_FOUR("smmul", s0, s1, s2, s3)                                                                                 \
    WITH_FOUR("smmul", s4, s5, s6, s7)                                                                                 \
    MCUQ_GET(%[a], out)                                                                                                \
    MCUQ_GET(%[x], right)                                                                                              \
    FINISH(s0, 0) FINISH(s1, 1) FINISH(s2, 2) FINISH(s3, 3)                                                            \
    FINISH(s4, 4) FINISH(s5, 5) FINISH(s6, 6) FINISH(s7, 7)                                                            \
    "add.w %[a], %[a], #8\n\t"                                                                                         \
    MCUQ_PUT(out, %[a])                                                                                                \
    MCUQ_GET(%[x], last)                                                                                               \
    "cmp %[w], %[x]\n\t"                                                                                               \
    "bne.w 0b\n\t"

MCUQ_ALWAYS_INLINE uint32_t bytes_of_step(const encoding_kind encoding)
{
    if (encoding == INT4) {
        return INT4_STEP_BYTES;
    }
    if (encoding == INT2) {
        return INT2_STEP_BYTES;
    }
    return (encoding == PALETTE16) ? PALETTE_STEP_BYTES : PALETTE4_STEP_BYTES;
}

/* Outputs of groups of eight, stored at output. */
MCUQ_ALWAYS_INLINE void run_groups(const row *of, const int32_t *stream, int32_t groups, int8_t *output,
                                   const encoding_kind encoding)
{
    const uint32_t pair_words = (uint32_t)words_of_pair(encoding);
    const uint32_t step_bytes = bytes_of_step(encoding);
    const uint32_t pairs = (uint32_t)of->pairs;
    const uint32_t skipped = (0U - pairs) % UNROLLED;
    const uint32_t first = (uint32_t)(uintptr_t)of->activations;
    const uint32_t group_words = (pair_words * pairs) + (uint32_t)CONSTANT_WORDS;
    /* Minus what the codes' offsets add to the sums of a group's outputs 0, 1, 2 and to that with all mixed in. */
    const uint32_t sum = (uint32_t)of->sum;
    const uint32_t zero = 0U - sum;
    const mcuq_spilled begin0 = mcuq_spill((encoding == INT4) ? (8U * zero) : ((encoding == INT2) ? (2U * zero) : 0U));
    const mcuq_spilled begin1 =
        mcuq_spill((encoding == INT4) ? (136U * zero) : ((encoding == INT2) ? (8U * zero) : 0U));
    const mcuq_spilled begin2 =
        mcuq_spill((encoding == INT4) ? (2048U * zero) : ((encoding == INT2) ? (32U * zero) : 0U));
    const mcuq_spilled begin3 =
        mcuq_spill((encoding == INT4) ? (2184U * zero) : ((encoding == INT2) ? (170U * zero) : 0U));
    const mcuq_spilled start = mcuq_spill(first - (skipped * 4U));
    const mcuq_spilled end = mcuq_spill(first + (pairs * 4U));
    const mcuq_spilled entry = mcuq_spill(skipped * step_bytes);
    const mcuq_spilled back = mcuq_spill(skipped * 4U * pair_words);
    const mcuq_spilled last = mcuq_spill((uint32_t)(uintptr_t)&stream[(uint32_t)groups * group_words]);
    const mcuq_spilled left = mcuq_spill(of->params->left_shift);
    const mcuq_spilled right = mcuq_spill(of->params->right_shift);
    const mcuq_spilled table = mcuq_spill((uint32_t)(uintptr_t)of->table);
    mcuq_spilled out = mcuq_spill((uint32_t)(uintptr_t)output);
    const int32_t *w = stream;
    int32_t s0, s1, s2, s3, s4, s5, s6, s7;
    uint32_t a, x, y, z, q;
    /* MISRA C:2012 dir 4.3: assembly, encapsulated here. */
#define OPERANDS                                                                                                       \
    : [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3), [s4] "=&r"(s4), [s5] "=&r"(s5),                  \
      [s6] "=&r"(s6), [s7] "=&r"(s7), [a] "=&r"(a), [w] "+&r"(w), [x] "=&r"(x), [y] "=&r"(y), [z] "=&r"(z),            \
      [q] "=&r"(q), [out] MCUQ_SPILL_CHANGED(out)                                                                      \
    : [begin0] MCUQ_SPILL(begin0), [begin1] MCUQ_SPILL(begin1), [begin2] MCUQ_SPILL(begin2),                           \
      [begin3] MCUQ_SPILL(begin3), [start] MCUQ_SPILL(start), [end] MCUQ_SPILL(end), [entry] MCUQ_SPILL(entry),        \
      [back] MCUQ_SPILL(back), [last] MCUQ_SPILL(last), [left] MCUQ_SPILL(left), [right] MCUQ_SPILL(right),            \
      [table] MCUQ_SPILL(table)                                                                                        \
    : "cc", "memory"
    if (encoding == INT4) {
        __asm__ volatile(GROUPS(INT4_STEP, 2, INT4_SEPARATE_ALL) OPERANDS);
    } else if (encoding == INT2) {
        __asm__ volatile(GROUPS(INT2_STEP, 1, INT2_SEPARATE_ALL) OPERANDS);
    } else if (encoding == PALETTE4) {
        __asm__ volatile(GROUPS(PALETTE4_STEP, 1, PALETTE4_SEPARATE_ALL) OPERANDS);
    } else {
        __asm__ volatile(GROUPS(PALETTE_STEP, 2, PALETTE_SEPARATE_ALL) OPERANDS);
    }
}

#else

/* A pair's two weights of an output of the group, less the codes' offset. */
MCUQ_ALWAYS_INLINE uint32_t pair_of(const row *of, const int32_t *codes, int32_t pair, int32_t output,
                                    const encoding_kind encoding)
{
    if (encoding == PALETTE16) {
        return of->table[((const uint8_t *)codes)[(GROUP * pair) + output]];
    }
    if (encoding == PALETTE4) {
        const uint32_t both = of->table[((const uint8_t *)codes)[((GROUP / 2) * pair) + (output / 2)]];
        const uint32_t even = mcuq_sxtb16(both);
        return ((output % 2) == 0) ? even : mcuq_sxtb16_odd(mcuq_ssub16(both, even));
    }
    if (encoding == INT2) {
        return mcuq_ssub16(((uint32_t)codes[pair] >> (2 * output)) & 0x00030003U, 0x00020002U);
    }
    const uint32_t nibbles = ((uint32_t)codes[(2 * pair) + (output / 4)] >> (4 * (output % 4))) & 0x000f000fU;
    /* The highest code of a halfword is the weight itself, modulo 16; the others have 8 added, which flips one bit. */
    return mcuq_ssub16(((output % 4) == 3) ? (nibbles ^ 0x00080008U) : nibbles, 0x00080008U);
}

/* Twin in C of the assembly above. */
MCUQ_ALWAYS_INLINE void run_groups(const row *of, const int32_t *stream, int32_t groups, int8_t *output,
                                   const encoding_kind encoding)
{
    const int32_t code_words = words_of_pair(encoding) * of->pairs;
    for (int32_t group = 0; group < groups; group++) {
        const int32_t *codes = &stream[group * (code_words + CONSTANT_WORDS)];
        const int32_t *constants = &codes[code_words];
        for (int32_t i = 0; i < GROUP; i++) {
            int32_t sum = 0;
            for (int32_t pair = 0; pair < of->pairs; pair++) {
                const uint32_t x = mcuq_load_word(&of->activations[2 * pair]);
                sum = mcuq_smlad(pair_of(of, codes, pair, i, encoding), x, sum);
            }
            const int32_t scaled =
                mcuq_wrapping_add(constants[i], mcuq_wrapping_shift_left(sum, of->params->left_shift));
            output[(GROUP * group) + i] =
                (int8_t)mcuq_requantize_affine(scaled, constants[GROUP + i], of->params->right_shift);
        }
    }
}

#endif

/* A group that is not whole, or whose values are clamped further, goes through a small buffer. */
static void store(const mcuq_fully_connected_s8_dsp_params *p, const int8_t values[GROUP], int32_t count,
                  int8_t *output)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t floored = (values[i] < p->activation_min) ? p->activation_min : values[i];
        output[i] = (int8_t)((floored > p->activation_max) ? p->activation_max : floored);
    }
}

/* The input row as int16 at target, and its sum. What fills it up to a multiple of 4 is zeros. */
static int32_t widen(const int8_t *input, int32_t depth, int16_t *target)
{
    if ((depth % 4) == 0) {
        mcuq_widen_shuffled(input, target, depth);
    } else {
        mcuq_widen_in_order(input, target, depth);
        for (int32_t i = depth; (i % 4) != 0; i++) {
            target[i] = 0;
        }
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < depth; i += 4) {
        sum = mcuq_smlad(mcuq_load_word(&target[i]), 0x00010001U, sum);
        sum = mcuq_smlad(mcuq_load_word(&target[i + 2]), 0x00010001U, sum);
    }
    return sum;
}

MCUQ_ALWAYS_INLINE void run(const mcuq_fully_connected_s8_dsp_params *p, const int8_t *input, const int32_t *packed,
                            const uint32_t *table, int16_t *activations, int8_t *output, const encoding_kind encoding)
{
    const int32_t pairs = 2 * ((p->depth + 3) / 4);
    const int32_t group_words = (words_of_pair(encoding) * pairs) + CONSTANT_WORDS;
    int8_t *out = output;
    for (int32_t n = 0; n < p->batches; n++) {
        const row of = {p, activations, table, pairs, widen(&input[n * p->depth], p->depth, activations)};
        int32_t o = 0;
        while (o < p->outputs) {
            int8_t staged[GROUP];
            const int32_t left = p->outputs - o;
            const bool direct = (left >= GROUP) && !p->clamped;
            const int32_t groups = direct ? (left / GROUP) : 1;
            run_groups(&of, &packed[(o / GROUP) * group_words], groups, direct ? &out[o] : staged, encoding);
            if (!direct) {
                store(p, staged, (left < GROUP) ? left : GROUP, &out[o]);
            }
            o += GROUP * groups;
        }
        out = &out[p->outputs];
    }
}

void mcuq_fully_connected_int4(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                               const int32_t *packed, uint32_t *scratch, int8_t *output)
{
    run(params, input, packed, NULL, (int16_t *)scratch, output, INT4);
}

void mcuq_fully_connected_int2(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                               const int32_t *packed, uint32_t *scratch, int8_t *output)
{
    run(params, input, packed, NULL, (int16_t *)scratch, output, INT2);
}

/* table[high << 4 | low] is the word of halves low and high. */
static void make_table(const uint16_t halves[HALVES], uint32_t *table)
{
    uint32_t *to = table;
    for (int32_t high = 0; high < HALVES; high++) {
        const uint32_t upper = (uint32_t)halves[high] << 16;
        for (int32_t low = 0; low < HALVES; low += 2) {
            to[0] = upper | halves[low];
            to[1] = upper | halves[low + 1];
            to = &to[2];
        }
    }
}

void mcuq_fully_connected_palette16(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                                    const int32_t *packed, uint32_t *scratch, int8_t *output)
{
    const int8_t *const palette = (const int8_t *)packed; /* MISRA C:2012 11.3: words are read as the bytes they hold */
    uint16_t halves[HALVES];
    for (int32_t i = 0; i < HALVES; i++) {
        halves[i] = (uint16_t)palette[i];
    }
    make_table(halves, scratch);
    run(params, input, &packed[4], scratch, (int16_t *)&scratch[TABLE_WORDS], output, PALETTE16);
}

void mcuq_fully_connected_palette4(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                                   const int32_t *packed, uint32_t *scratch, int8_t *output)
{
    const int8_t *const palette = (const int8_t *)packed;
    uint16_t halves[HALVES];
    for (int32_t i = 0; i < HALVES; i++) {
        halves[i] = (uint16_t)((256 * (int32_t)palette[i / 4]) + (int32_t)palette[i % 4]);
    }
    make_table(halves, scratch);
    run(params, input, &packed[1], scratch, (int16_t *)&scratch[TABLE_WORDS], output, PALETTE4);
}
