#include "mcuq_fully_connected_s8_fours.h"

enum { OUTPUTS = 4 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* What weights are: of eight bits, or codes of so many. A literal wherever it is an argument. */
typedef enum { INT8 = 8, PALETTE16 = 4, PALETTE4 = 2 } weights_kind;

/* products[k]: the sum of (weights >> 8 k) * x over all x before end, whose number is a multiple of 4. */
#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

#define INPUT(input, weights)                                                                                          \
    "lsrs r6, " weights ", #8\n\tmuls r6, " input ", r6\n\tadd %[sum1], %[sum1], r6\n\t"                               \
    "lsrs r6, " weights ", #16\n\tmuls r6, " input ", r6\n\tadd %[sum2], %[sum2], r6\n\t"                              \
    "lsrs r6, " weights ", #24\n\tmuls r6, " input ", r6\n\tadd %[sum3], %[sum3], r6\n\t"                              \
    "muls " input ", " weights ", " input "\n\tadd %[sum0], %[sum0], " input "\n\t"
#define TWO_INPUTS "ldmia %[x]!, {r2, r3}\n\tldmia %[w]!, {r4, r5}\n\t" INPUT("r2", "r4") INPUT("r3", "r5")

static void multiply(const int32_t *x, const int32_t *end, const int32_t *w, uint32_t products[OUTPUTS])
{
    uint32_t sum0 = 0U;
    uint32_t sum1 = 0U;
    uint32_t sum2 = 0U;
    uint32_t sum3 = 0U;
    __asm__ volatile(".syntax unified\n"
                     "1:\n\t" TWO_INPUTS TWO_INPUTS "cmp %[x], %[end]\n\t"
                     "bne 1b\n\t"
                     : [x] "+&l"(x), [w] "+&l"(w), [sum0] "+&h"(sum0), [sum1] "+&h"(sum1), [sum2] "+&h"(sum2),
                       [sum3] "+&h"(sum3)
                     : [end] "h"(end)
                     : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
    products[0] = sum0;
    products[1] = sum1;
    products[2] = sum2;
    products[3] = sum3;
}

#else

static void multiply(const int32_t *x, const int32_t *end, const int32_t *w, uint32_t products[OUTPUTS])
{
    uint32_t sum0 = 0U;
    uint32_t sum1 = 0U;
    uint32_t sum2 = 0U;
    uint32_t sum3 = 0U;
    while (x != end) {
        const uint32_t input = (uint32_t)*x;
        const uint32_t weights = (uint32_t)*w;
        sum0 += weights * input;
        sum1 += (weights >> 8U) * input;
        sum2 += (weights >> 16U) * input;
        sum3 += (weights >> 24U) * input;
        x = &x[1];
        w = &w[1];
    }
    products[0] = sum0;
    products[1] = sum1;
    products[2] = sum2;
    products[3] = sum3;
}

#endif

/* table[code of an odd output << bits | that of the even one before it]: the odd one's weight above the even one's plus 128,
 * 16 bits apart. */
ALWAYS_INLINE void make_table(const int8_t *palette, uint32_t *table, const weights_kind kind)
{
    const int32_t colours = (int32_t)(1U << (uint32_t)kind);
    uint32_t *to = table;
    for (int32_t odd = 0; odd < colours; odd++) {
        const int32_t upper = ((int32_t)palette[odd] * 65536) + 128;
        for (int32_t even = 0; even < colours; even++) {
            to[even] = (uint32_t)(upper + (int32_t)palette[even]);
        }
        to = &to[colours];
    }
}

#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

/* r2 the codes, r3 an input, r4 a word of the table, at whose place it was, and its products. */
#define TWO(place, both, odd)                                                                                          \
    place "\n\tands r4, %[mask]\n\tldr r4, [%[table], r4]\n\tasrs r5, r4, #16\n\t"                                      \
    "muls r4, r3, r4\n\tadd %[" both "], %[" both "], r4\n\tmuls r5, r3, r5\n\tadd %[" odd "], %[" odd "], r5\n\t"
#define FOUR(place, next)                                                                                              \
    "ldmia %[x]!, {r3}\n\t" TWO(place, "both0", "odd0") TWO("lsrs r4, r2, #" next, "both1", "odd1")
#define CODES "ldmia %[w]!, {r2}\n\t"
#define PALETTE16_TWO CODES FOUR("lsls r4, r2, #2", "6") FOUR("lsrs r4, r2, #14", "22")
#define PALETTE4_FOUR                                                                                                  \
    CODES FOUR("lsls r4, r2, #2", "2") FOUR("lsrs r4, r2, #6", "10") FOUR("lsrs r4, r2, #14", "18")                    \
    FOUR("lsrs r4, r2, #22", "26")
#define LOOP(inputs)                                                                                                   \
    __asm__ volatile(".syntax unified\n1:\n\t" inputs "cmp %[x], %[end]\n\tbne 1b\n\t"                                \
                     : [x] "+&l"(x), [w] "+&l"(w), [both0] "+&h"(s.both0), [both1] "+&h"(s.both1),                     \
                       [odd0] "+&h"(s.odd0), [odd1] "+&h"(s.odd1)                                                      \
                     : [end] "h"(end), [table] "l"(table), [mask] "l"(mask)                                            \
                     : "r2", "r3", "r4", "r5", "cc", "memory")

#endif

/* Sums of two pairs of outputs as in the table, and of the odd ones. */
typedef struct {
    uint32_t both0;
    uint32_t both1;
    uint32_t odd0;
    uint32_t odd1;
} pair_sums;

#if !defined(__ARM_ARCH_ISA_THUMB) || (__ARM_ARCH_ISA_THUMB != 1)

/* The lowest codes of four outputs. */
ALWAYS_INLINE void add_input(pair_sums *sums, uint32_t codes, int32_t x, const uint32_t *table, uint32_t bits)
{
    const uint32_t mask = (1U << (2U * bits)) - 1U;
    const uint32_t input = (uint32_t)x;
    const uint32_t first = table[codes & mask];
    const uint32_t second = table[(codes >> (2U * bits)) & mask];
    sums->both0 += first * input;
    sums->odd0 += (uint32_t)((int32_t)first >> 16) * input;
    sums->both1 += second * input;
    sums->odd1 += (uint32_t)((int32_t)second >> 16) * input;
}

#endif

/* sums[k]: of four outputs, those of even ones with 128 times the inputs' sum. Words of codes: those of four outputs for
 * one input after the other, lowest first. */
ALWAYS_INLINE void look_up(const int32_t *x, const int32_t *end, const int32_t *w, const uint32_t *table,
                           uint32_t sums[OUTPUTS], const weights_kind kind)
{
    pair_sums s = {0U, 0U, 0U, 0U};
#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)
    const uint32_t mask = ((1U << (2U * (uint32_t)kind)) - 1U) << 2U;
    if (kind == PALETTE16) {
        LOOP(PALETTE16_TWO PALETTE16_TWO);
    } else {
        LOOP(PALETTE4_FOUR);
    }
#else
    const uint32_t bits = (uint32_t)kind;
    while (x != end) {
        const uint32_t codes = (uint32_t)*w;
        add_input(&s, codes, x[0], table, bits);
        add_input(&s, codes >> (4U * bits), x[1], table, bits);
        if (kind == PALETTE4) {
            add_input(&s, codes >> 16U, x[2], table, bits);
            add_input(&s, codes >> 24U, x[3], table, bits);
        }
        x = &x[8U / bits];
        w = &w[1];
    }
#endif
    sums[0] = s.both0 - (s.odd0 << 16U);
    sums[1] = s.odd0;
    sums[2] = s.both1 - (s.odd1 << 16U);
    sums[3] = s.odd1;
}

/* The inputs as int32 and zeros up to a multiple of 4; returns their sum. */
static int32_t widen(const int8_t *input, int32_t depth, int32_t *wide)
{
    int32_t sum = 0;
    int32_t i = 0;
    for (; i < depth; i++) {
        const int32_t x = (int32_t)input[i];
        wide[i] = x;
        sum += x;
    }
    for (; (i & 3) != 0; i++) {
        wide[i] = 0;
    }
    return sum;
}

ALWAYS_INLINE void run(const mcuq_fully_connected_s8_fours_params *p, const int8_t *input, const int32_t *packed,
                       int32_t *scratch, int8_t *output, const weights_kind kind)
{
    const int32_t words = (p->depth + 3) & ~3;
    const int32_t code_words = (kind == INT8) ? words : ((words * (int32_t)kind) / 8);
    const int32_t record = p->line ? 2 : 3;
    uint32_t *const table = (uint32_t *)&scratch[words];
    const int32_t *stream = packed;
    if (kind != INT8) {
        make_table((const int8_t *)packed, table, kind);
        stream = &packed[(kind == PALETTE16) ? 4 : 1];
    }
    for (int32_t n = 0; n < p->batches; n++) {
        const uint32_t excess = (uint32_t)widen(input, p->depth, scratch) << 7U; /* what the weights' 128 add */
        const int32_t *w = stream;
        for (int32_t o = 0; o < p->outputs; o += OUTPUTS) {
            uint32_t sums[OUTPUTS];
            if (kind == INT8) {
                multiply(scratch, &scratch[words], w, sums);
                for (int32_t k = 0; k < (OUTPUTS - 1); k++) {
                    sums[k] -= (sums[k + 1] << 8U) + excess;
                }
                sums[OUTPUTS - 1] -= excess;
            } else {
                look_up(scratch, &scratch[words], w, table, sums, kind);
                sums[0] -= excess;
                sums[2] -= excess;
            }
            w = &w[code_words];
            for (int32_t k = 0; k < OUTPUTS; k++) {
                if ((o + k) < p->outputs) {
                    output[o + k] = mcuq_fully_connected_fours_output(p, (int32_t)sums[k], w);
                }
                w = &w[record];
            }
        }
        input = &input[p->depth];
        output = &output[p->outputs];
    }
}

void mcuq_fully_connected_s8_fours(const mcuq_fully_connected_s8_fours_params *params, const int8_t *input,
                                  const int32_t *stream, int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, INT8);
}

void mcuq_fully_connected_fours_palette16(const mcuq_fully_connected_s8_fours_params *params, const int8_t *input,
                                         const int32_t *stream, int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, PALETTE16);
}

void mcuq_fully_connected_fours_palette4(const mcuq_fully_connected_s8_fours_params *params, const int8_t *input,
                                        const int32_t *stream, int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, PALETTE4);
}
