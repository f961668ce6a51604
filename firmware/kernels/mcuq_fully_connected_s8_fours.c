#include "mcuq_fully_connected_s8_fours.h"

enum { OUTPUTS = 4 };

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

void mcuq_fully_connected_s8_fours(const mcuq_fully_connected_s8_fours_params *params, const int8_t *input,
                                   const int32_t *stream, int32_t *scratch, int8_t *output)
{
    const mcuq_fully_connected_s8_fours_params *const p = params;
    const int32_t words = (p->depth + 3) & ~3;
    const int32_t record = p->line ? 2 : 3;
    for (int32_t n = 0; n < p->batches; n++) {
        const uint32_t excess = (uint32_t)widen(input, p->depth, scratch) << 7U; /* what the weights' 128 add */
        const int32_t *w = stream;
        for (int32_t o = 0; o < p->outputs; o += OUTPUTS) {
            uint32_t products[OUTPUTS];
            multiply(scratch, &scratch[words], w, products);
            w = &w[words];
            for (int32_t k = 0; k < OUTPUTS; k++) {
                if ((o + k) < p->outputs) {
                    const uint32_t mixed = (k == (OUTPUTS - 1)) ? 0U : (products[(k + 1) % OUTPUTS] << 8U);
                    output[o + k] = mcuq_fully_connected_fours_output(p, (int32_t)(products[k] - mixed - excess), w);
                }
                w = &w[record];
            }
        }
        input = &input[p->depth];
        output = &output[p->outputs];
    }
}
