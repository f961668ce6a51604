#include "mcuq_fully_connected_pairs.h"

enum { OUTPUTS = 8, PAIRS = 4 };

/* A literal wherever it is an argument. */
typedef enum { INT4, INT2 } codes;

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE uint32_t mask_of(const codes kind)
{
    return (kind == INT4) ? 0x000f000fU : 0x00030003U;
}

/* products[k]: the sum of (codes of outputs k and k + 4) * x over all x before end, whose number is a multiple of 4. */
#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

#define LAST(x, w, sum) "ands " w ", %[mask]\n\tmuls " w ", " x ", " w "\n\tadd %[" sum "], %[" sum "], " w "\n\t"
#define PAIR(x, w, shift, sum) "lsrs r6, " w ", #" shift "\n\t" LAST(x, "r6", sum)
#define INT4_INPUT(x, w) \
    PAIR(x, w, "4", "sum1") PAIR(x, w, "8", "sum2") PAIR(x, w, "12", "sum3") LAST(x, w, "sum0")
#define INT4_TWO "ldmia %[x]!, {r2, r3}\n\tldmia %[w]!, {r4, r5}\n\t" INT4_INPUT("r2", "r4") INT4_INPUT("r3", "r5")
#define INT2_TWO                                                                                                       \
    "ldmia %[x]!, {r2, r3}\n\tldmia %[w]!, {r4}\n\t"                                                                   \
    PAIR("r3", "r4", "8", "sum0") PAIR("r3", "r4", "10", "sum1") PAIR("r3", "r4", "12", "sum2")                        \
    PAIR("r3", "r4", "14", "sum3") PAIR("r2", "r4", "2", "sum1") PAIR("r2", "r4", "4", "sum2")                         \
    PAIR("r2", "r4", "6", "sum3") LAST("r2", "r4", "sum0")
#define LOOP(TWO) ".syntax unified\n1:\n\t" TWO TWO "cmp %[x], %[end]\n\tbne 1b\n\t"
#define OPERANDS                                                                                                       \
    : [x] "+&l"(x), [w] "+&l"(w), [sum0] "+&h"(sum0), [sum1] "+&h"(sum1), [sum2] "+&h"(sum2), [sum3] "+&h"(sum3)       \
    : [end] "h"(end), [mask] "l"(mask_of(kind))                                                                        \
    : "r2", "r3", "r4", "r5", "r6", "cc", "memory"

#elif defined(__ARM_ARCH_ISA_THUMB)

#define PAIR(x, w, shift, sum) \
    "and r6, %[mask], " w shift "\n\tmla %[" sum "], r6, " x ", %[" sum "]\n\t"
#define INT4_INPUT(x, w)                                                                                    \
    PAIR(x, w, "", "sum0") PAIR(x, w, ", lsr #4", "sum1") PAIR(x, w, ", lsr #8", "sum2")                    \
    PAIR(x, w, ", lsr #12", "sum3")
#define INT4_TWO "ldrd r2, r3, [%[x]], #8\n\tldrd r4, r5, [%[w]], #8\n\t" INT4_INPUT("r2", "r4") INT4_INPUT("r3", "r5")
#define INT2_TWO                                                                                            \
    "ldrd r2, r3, [%[x]], #8\n\tldr r4, [%[w]], #4\n\t"                                                     \
    PAIR("r2", "r4", "", "sum0") PAIR("r2", "r4", ", lsr #2", "sum1") PAIR("r2", "r4", ", lsr #4", "sum2")  \
    PAIR("r2", "r4", ", lsr #6", "sum3") PAIR("r3", "r4", ", lsr #8", "sum0")                               \
    PAIR("r3", "r4", ", lsr #10", "sum1") PAIR("r3", "r4", ", lsr #12", "sum2")                             \
    PAIR("r3", "r4", ", lsr #14", "sum3")
#define LOOP(TWO) "1:\n\t" TWO TWO "cmp %[x], %[end]\n\tbne 1b\n\t"
#define OPERANDS                                                                                                       \
    : [x] "+&r"(x), [w] "+&r"(w), [sum0] "+&r"(sum0), [sum1] "+&r"(sum1), [sum2] "+&r"(sum2), [sum3] "+&r"(sum3)       \
    : [end] "r"(end), [mask] "r"(mask_of(kind))                                                                        \
    : "r2", "r3", "r4", "r5", "r6", "cc", "memory"

#endif

ALWAYS_INLINE void multiply(const int32_t *x, const int32_t *end, const int32_t *w, uint32_t products[PAIRS],
                            const codes kind)
{
    uint32_t sum0 = 0U;
    uint32_t sum1 = 0U;
    uint32_t sum2 = 0U;
    uint32_t sum3 = 0U;
#if defined(__ARM_ARCH_ISA_THUMB)
    if (kind == INT4) {
        __asm__ volatile(LOOP(INT4_TWO) OPERANDS);
    } else {
        __asm__ volatile(LOOP(INT2_TWO) OPERANDS);
    }
#else
    const uint32_t mask = mask_of(kind);
    const uint32_t bits = (kind == INT4) ? 4U : 2U;
    for (int32_t i = 0; &x[i] != end; i++) {
        const uint32_t input = (uint32_t)x[i];
        const uint32_t word = (kind == INT4) ? (uint32_t)w[i] : ((uint32_t)w[i / 2] >> (8U * ((uint32_t)i % 2U)));
        sum0 += (word & mask) * input;
        sum1 += ((word >> bits) & mask) * input;
        sum2 += ((word >> (2U * bits)) & mask) * input;
        sum3 += ((word >> (3U * bits)) & mask) * input;
    }
#endif
    products[0] = sum0;
    products[1] = sum1;
    products[2] = sum2;
    products[3] = sum3;
}

/* The inputs of all parts as int32, zeros past the last; behind each part its sum. */
static void widen(const mcuq_fully_connected_pairs_params *p, const int8_t *input, int32_t *wide)
{
    int32_t left = p->layer.depth;
    for (int32_t part = 0; part < p->parts; part++) {
        int32_t sum = 0;
        const int32_t some = (left < p->part_taps) ? left : p->part_taps;
        for (int32_t i = 0; i < some; i++) {
            const int32_t x = (int32_t)input[i];
            wide[i] = x;
            sum += x;
        }
        for (int32_t i = some; i < p->part_taps; i++) {
            wide[i] = 0;
        }
        wide[p->part_taps] = sum;
        wide = &wide[p->part_taps + 1];
        input = &input[some];
        left -= some;
    }
}

/* Adds a part's sums of eight outputs; excess is what the codes add to each. */
static __attribute__((noinline)) void split(const uint32_t products[PAIRS], uint32_t excess, int32_t sums[OUTPUTS])
{
    const uint32_t both = excess + (excess << 16U);
    for (int32_t k = 0; k < PAIRS; k++) {
        const uint32_t mixed = products[k] - both;
        const int32_t low = (int32_t)(int16_t)(uint16_t)(mixed & 0xffffU);
        sums[k] += low;
        sums[k + PAIRS] += (int32_t)(mixed - (uint32_t)low) >> 16;
    }
}

ALWAYS_INLINE void run(const mcuq_fully_connected_pairs_params *params, const int8_t *input, const int32_t *stream,
                       int32_t *scratch, int8_t *output, const codes kind)
{
    const mcuq_fully_connected_pairs_params *const p = params;
    const int32_t taps = p->part_taps;
    const int32_t record = p->layer.line ? 2 : 3;
    for (int32_t n = 0; n < p->layer.batches; n++) {
        widen(p, input, scratch);
        const int32_t *w = stream;
        for (int32_t o = 0; o < p->layer.outputs; o += OUTPUTS) {
            int32_t sums[OUTPUTS] = {0};
            const int32_t *x = scratch;
            for (int32_t part = 0; part < p->parts; part++) {
                uint32_t products[PAIRS];
                multiply(x, &x[taps], w, products, kind);
                split(products, (uint32_t)x[taps] << ((kind == INT4) ? 3U : 1U), sums);
                x = &x[taps + 1];
                w = &w[(kind == INT4) ? taps : (taps / 2)];
            }
            for (int32_t k = 0; k < OUTPUTS; k++) {
                if ((o + k) < p->layer.outputs) {
                    output[o + k] = mcuq_fully_connected_fours_output(&p->layer, sums[k], w);
                }
                w = &w[record];
            }
        }
        input = &input[p->layer.depth];
        output = &output[p->layer.outputs];
    }
}

void mcuq_fully_connected_pairs_int4(const mcuq_fully_connected_pairs_params *params, const int8_t *input,
                                     const int32_t *stream, int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, INT4);
}

void mcuq_fully_connected_pairs_int2(const mcuq_fully_connected_pairs_params *params, const int8_t *input,
                                     const int32_t *stream, int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, INT2);
}
