#include "mcuq_fully_connected_s8_dsp.h"

#include "mcuq_dsp.h"
#include "mcuq_fast_requantize.h"
#include "mcuq_spill_dsp.h"
#include "mcuq_widen_dsp.h"

enum { GROUP = 8, CONSTANT_WORDS = 16 };

static inline int32_t group_words(int32_t quads)
{
    return (8 * quads) + CONSTANT_WORDS;
}

#if MCUQ_HAS_DSP

#define MAC(mixed, even, weight, activation)                                                                           \
    "smlad %[" #mixed "], %[" #weight "], %[" #activation "], %[" #mixed "]\n\t"                                        \
    "sxtb16 %[" #weight "], %[" #weight "]\n\t"                                                                        \
    "smlad %[" #even "], %[" #weight "], %[" #activation "], %[" #even "]\n\t"

#define LOAD(into, base, offset) "ldr.w %[" #into "], [%[" #base "], #(" offset ")]\n\t"

/* Four activations of eight outputs: 34 instructions of 4 bytes. Loads come in groups, since neighbours are cheaper. */
#define STEP(n)                                                                                                        \
    LOAD(x, a, #n " * 8")                                                                                              \
    LOAD(w0, w, #n " * 32")                                                                                            \
    LOAD(w1, w, #n " * 32 + 4")                                                                                        \
    LOAD(w2, w, #n " * 32 + 8")                                                                                        \
    MAC(m0, e0, w0, x)                                                                                                 \
    MAC(m1, e1, w1, x)                                                                                                 \
    MAC(m2, e2, w2, x)                                                                                                 \
    LOAD(w0, w, #n " * 32 + 12")                                                                                       \
    LOAD(w1, a, #n " * 8 + 4")                                                                                         \
    LOAD(w2, w, #n " * 32 + 16")                                                                                       \
    MAC(m3, e3, w0, x)                                                                                                 \
    MAC(m0, e0, w2, w1)                                                                                                \
    LOAD(x, w, #n " * 32 + 20")                                                                                        \
    LOAD(w0, w, #n " * 32 + 24")                                                                                       \
    LOAD(w2, w, #n " * 32 + 28")                                                                                       \
    MAC(m1, e1, x, w1)                                                                                                 \
    MAC(m2, e2, w0, w1)                                                                                                \
    MAC(m3, e3, w2, w1)
#define STEP_BYTES 136U
#define UNROLLED 8U

/* The next four words of the stream, one for each of four outputs. */
#define WITH_FOUR(op, e_a, m_a, e_b, m_b)                                                                              \
    LOAD(x, w, "0")                                                                                                    \
    LOAD(w0, w, "4")                                                                                                   \
    LOAD(w1, w, "8")                                                                                                   \
    LOAD(w2, w, "12")                                                                                                  \
    "add.w %[w], %[w], #16\n\t"                                                                                        \
    op " %[" #e_a "], %[x], %[" #e_a "]\n\t"                                                                           \
    op " %[" #m_a "], %[w0], %[" #m_a "]\n\t"                                                                          \
    op " %[" #e_b "], %[w1], %[" #e_b "]\n\t"                                                                          \
    op " %[" #m_b "], %[w2], %[" #m_b "]\n\t"

#define FINISH(sum, offset)                                                                                            \
    "asr.w %[" #sum "], %[" #sum "], %[x]\n\t"                                                                         \
    "ssat %[" #sum "], #8, %[" #sum "]\n\t"                                                                            \
    "strb.w %[" #sum "], [%[a], #" #offset "]\n\t"

/* Outputs of groups of eight, stored at output. */
static inline void run_groups(const mcuq_fully_connected_s8_dsp_params *p, const int32_t *stream, int32_t groups,
                              const int16_t *activations, int32_t quads, int8_t *output)
{
    /* The unrolled loop is entered in the middle for the steps that do not fill it: skipped steps come first. */
    const uint32_t skipped = (0U - (uint32_t)quads) % UNROLLED;
    const uint32_t first = (uint32_t)(uintptr_t)activations;
    const mcuq_spilled start = mcuq_spill(first - (skipped * 8U));
    const mcuq_spilled end = mcuq_spill(first + ((uint32_t)quads * 8U));
    const mcuq_spilled entry = mcuq_spill(skipped * STEP_BYTES);
    const mcuq_spilled back = mcuq_spill(skipped * 32U);
    const mcuq_spilled last = mcuq_spill((uint32_t)(uintptr_t)&stream[groups * group_words(quads)]);
    const mcuq_spilled left = mcuq_spill(p->left_shift);
    const mcuq_spilled right = mcuq_spill(p->right_shift);
    mcuq_spilled out = mcuq_spill((uint32_t)(uintptr_t)output);
    const int32_t *w = stream;
    int32_t m0, m1, m2, m3, e0, e1, e2, e3;
    uint32_t a, x, w0, w1, w2;
    /* MISRA C:2012 dir 4.3: assembly, encapsulated here. */
    __asm__ volatile(
        "0:\n\t"
        "movs.w %[m0], #0\n\t"
        "movs.w %[m1], #0\n\t"
        "movs.w %[m2], #0\n\t"
        "movs.w %[m3], #0\n\t"
        "movs.w %[e0], #0\n\t"
        "movs.w %[e1], #0\n\t"
        "movs.w %[e2], #0\n\t"
        "movs.w %[e3], #0\n\t"
        MCUQ_GET(%[x], back)
        "sub.w %[w], %[w], %[x]\n\t"
        MCUQ_GET(%[a], start)
        MCUQ_GET(%[x], entry)
        "add pc, %[x]\n\t"
        "nop.n\n"
        "1:\n\t"
        STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
        MCUQ_GET(%[x], end)
        "add.w %[a], %[a], #64\n\t"
        "add.w %[w], %[w], #256\n\t"
        "cmp %[a], %[x]\n\t"
        "bne.w 1b\n\t"
        "sub.w %[m0], %[m0], %[e0]\n\t"
        "sub.w %[m1], %[m1], %[e1]\n\t"
        "sub.w %[m2], %[m2], %[e2]\n\t"
        "sub.w %[m3], %[m3], %[e3]\n\t"
        MCUQ_GET(%[x], left)
        "lsl.w %[e0], %[e0], %[x]\n\t"
        "lsl.w %[e1], %[e1], %[x]\n\t"
        "lsl.w %[e2], %[e2], %[x]\n\t"
        "lsl.w %[e3], %[e3], %[x]\n\t"
        "sub.w %[x], %[x], #8\n\t" /* the differences are 256 times the sums */
        "lsl.w %[m0], %[m0], %[x]\n\t"
        "lsl.w %[m1], %[m1], %[x]\n\t"
        "lsl.w %[m2], %[m2], %[x]\n\t"
        "lsl.w %[m3], %[m3], %[x]\n\t"
        WITH_FOUR("add.w", e0, m0, e1, m1)
        WITH_FOUR("add.w", e2, m2, e3, m3)
        WITH_FOUR("smmul", e0, m0, e1, m1)
        WITH_FOUR("smmul", e2, m2, e3, m3)
        MCUQ_GET(%[a], out)
        MCUQ_GET(%[x], right)
        FINISH(e0, 0) FINISH(m0, 1) FINISH(e1, 2) FINISH(m1, 3)
        FINISH(e2, 4) FINISH(m2, 5) FINISH(e3, 6) FINISH(m3, 7)
        "add.w %[a], %[a], #8\n\t"
        MCUQ_PUT(out, %[a])
        MCUQ_GET(%[x], last)
        "cmp %[w], %[x]\n\t"
        "bne.w 0b\n\t"
        : [m0] "=&r"(m0), [m1] "=&r"(m1), [m2] "=&r"(m2), [m3] "=&r"(m3), [e0] "=&r"(e0), [e1] "=&r"(e1),
          [e2] "=&r"(e2), [e3] "=&r"(e3), [a] "=&r"(a), [w] "+r"(w), [x] "=&r"(x), [w0] "=&r"(w0), [w1] "=&r"(w1),
          [w2] "=&r"(w2), [out] MCUQ_SPILL_CHANGED(out)
        : [start] MCUQ_SPILL(start), [end] MCUQ_SPILL(end), [entry] MCUQ_SPILL(entry), [back] MCUQ_SPILL(back),
          [last] MCUQ_SPILL(last), [left] MCUQ_SPILL(left), [right] MCUQ_SPILL(right)
        : "cc", "memory");
}

#else

/* Twin in C of the assembly above. */
static inline void run_groups(const mcuq_fully_connected_s8_dsp_params *p, const int32_t *stream, int32_t groups,
                              const int16_t *activations, int32_t quads, int8_t *output)
{
    for (int32_t group = 0; group < groups; group++) {
        const int32_t *weights = &stream[group * group_words(quads)];
        const int32_t *constants = &weights[8 * quads];
        int32_t mixed[4] = {0, 0, 0, 0};
        int32_t even[4] = {0, 0, 0, 0};
        for (int32_t i = 0; i < (8 * quads); i++) {
            const uint32_t x = mcuq_load_word(&activations[2 * (i / 4)]);
            const uint32_t both = (uint32_t)weights[i];
            mixed[i % 4] = mcuq_smlad(both, x, mixed[i % 4]);
            even[i % 4] = mcuq_smlad(mcuq_sxtb16(both), x, even[i % 4]);
        }
        for (int32_t i = 0; i < GROUP; i++) {
            const int32_t odd256 = mcuq_wrapping_subtract(mixed[i / 2], even[i / 2]);
            const int32_t sum = ((i % 2) == 1) ? (odd256 >> 8) : even[i / 2];
            const int32_t scaled = mcuq_wrapping_add(constants[i], mcuq_wrapping_shift_left(sum, p->left_shift));
            output[(GROUP * group) + i] = (int8_t)mcuq_requantize_affine(scaled, constants[GROUP + i], p->right_shift);
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

void mcuq_fully_connected_s8_dsp(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                                 const int32_t *packed, int16_t *scratch, int8_t *output)
{
    const mcuq_fully_connected_s8_dsp_params *const p = params;
    const int32_t quads = (p->depth + 3) / 4;
    for (int32_t n = 0; n < p->batches; n++) {
        if ((p->depth % 4) == 0) {
            mcuq_widen_shuffled(&input[n * p->depth], scratch, p->depth);
        } else {
            mcuq_widen_in_order(&input[n * p->depth], scratch, p->depth);
        }
        int32_t o = 0;
        while (o < p->outputs) {
            int8_t staged[GROUP];
            const int32_t left = p->outputs - o;
            const bool direct = (left >= GROUP) && !p->clamped;
            const int32_t groups = direct ? (left / GROUP) : 1;
            const int32_t *stream = &packed[(o / GROUP) * group_words(quads)];
            run_groups(p, stream, groups, scratch, quads, direct ? &output[o] : staged);
            if (!direct) {
                store(p, staged, (left < GROUP) ? left : GROUP, &output[o]);
            }
            o += GROUP * groups;
        }
        output += p->outputs;
    }
}
