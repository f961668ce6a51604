#include "mcuq_fully_connected_s16.h"

#include "mcuq_dsp.h"
#include "mcuq_requantize.h"

enum { GROUP = 4 };

/* sum + the products of four activations, in two words, with the weights 0, 2, 1, 3 of a word. */
static inline int32_t add_four(uint32_t first, uint32_t second, const int8_t *weights, int32_t sum)
{
    const uint32_t word = mcuq_load_word(weights);
    return mcuq_smlad(mcuq_sxtb16_odd(word), second, mcuq_smlad(mcuq_sxtb16(word), first, sum));
}

/* sums += those of one group of outputs; returns where the next group's weights begin. */
static inline const int8_t *add_products(const int16_t *input, int32_t depth, const int8_t *weights, int32_t *sums)
{
    int32_t sum0 = sums[0];
    int32_t sum1 = sums[1];
    int32_t sum2 = sums[2];
    int32_t sum3 = sums[3];
    for (int32_t quads = depth / 4; quads > 0; quads--) {
        const uint32_t first = mcuq_load_word(&input[0]);
        const uint32_t second = mcuq_load_word(&input[2]);
        sum0 = add_four(first, second, &weights[0], sum0);
        sum1 = add_four(first, second, &weights[4], sum1);
        sum2 = add_four(first, second, &weights[8], sum2);
        sum3 = add_four(first, second, &weights[12], sum3);
        input += 4;
        weights += 16;
    }
    for (int32_t left = depth % 4; left > 0; left--) {
        sum0 += *input * weights[0];
        sum1 += *input * weights[1];
        sum2 += *input * weights[2];
        sum3 += *input * weights[3];
        input++;
        weights += GROUP;
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
    return weights;
}

void mcuq_fully_connected_s16(const mcuq_fully_connected_s16_params *params, const int16_t *input, const int8_t *weights,
                              const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int16_t *output)
{
    const mcuq_fully_connected_s16_params p = *params;

    for (int32_t n = 0; n < p.batches; n++) {
        const int8_t *group = weights;
        for (int32_t o = 0; o < p.outputs; o += GROUP) {
            int32_t sums[GROUP] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
            group = add_products(input, p.depth, group, sums);
            const int32_t end = ((p.outputs - o) < GROUP) ? (p.outputs - o) : GROUP;
            for (int32_t i = 0; i < end; i++) {
                /* Right shifts of negative values: see mcuq_requantize.h. */
                const int32_t shift = shifts[o + i];
                const int32_t value = mcuq_smmla(sums[i], multipliers[o + i], 1 << (shift - 1)) >> shift;
                *output = (int16_t)mcuq_clamp(value, p.activation_min, p.activation_max);
                output++;
            }
        }
        input += p.depth;
    }
}
