#include "mcuq_product_s8.h"

#include "mcuq_dsp.h"
#include "mcuq_prescaled_requantize.h"

typedef struct {
    int32_t scaling;
    int32_t bias;
    mcuq_prescaled requantization;
} product;

/* Of two offset inputs, each 9 bits. */
static inline int8_t output_of(product k, int32_t x1, int32_t x2)
{
    return mcuq_prescaled_int8((x1 * x2 * k.scaling) + k.bias, k.requantization);
}

static inline uint32_t twice(int32_t offset)
{
    return ((uint32_t)offset & 0xffffU) * 0x00010001U;
}

static inline int32_t bottom(uint32_t halves)
{
    return (int32_t)(int16_t)(uint16_t)halves;
}

static inline int32_t top(uint32_t halves)
{
    return (int32_t)halves >> 16;
}

static void product_of_two(const mcuq_product_s8_params *p, product k, const int8_t *in1, const int8_t *in2,
                           int8_t *out, int32_t n)
{
    const uint32_t offset1 = twice(p->input1_offset);
    const uint32_t offset2 = twice(p->input2_offset);
    for (int32_t fours = n >> 2; fours > 0; fours--) {
        const uint32_t word1 = mcuq_load_word(in1);
        const uint32_t word2 = mcuq_load_word(in2);
        const uint32_t even1 = mcuq_sxtab16(offset1, word1);
        const uint32_t even2 = mcuq_sxtab16(offset2, word2);
        const uint32_t odd1 = mcuq_sxtab16_odd(offset1, word1);
        const uint32_t odd2 = mcuq_sxtab16_odd(offset2, word2);
        out[0] = output_of(k, bottom(even1), bottom(even2));
        out[1] = output_of(k, bottom(odd1), bottom(odd2));
        out[2] = output_of(k, top(even1), top(even2));
        out[3] = output_of(k, top(odd1), top(odd2));
        in1 = &in1[4];
        in2 = &in2[4];
        out = &out[4];
    }
    for (int32_t i = 0; i < (n & 3); i++) {
        out[i] = output_of(k, (int32_t)in1[i] + p->input1_offset, (int32_t)in2[i] + p->input2_offset);
    }
}

/* One input has one value, which is part of the scaling here. */
static void product_of_one(product k, int32_t factor, int32_t offset, const int8_t *in, int8_t *out, int32_t n)
{
    k.scaling *= factor;
    k.bias += offset * k.scaling;
    for (int32_t i = 0; i < n; i++) {
        out[i] = output_of(k, (int32_t)in[i], 1);
    }
}

void mcuq_product_s8(const mcuq_product_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const mcuq_broadcast *n = &params->loops;
    const product k = {params->scaling, params->bias,
                       {params->multiplier, params->correction, params->rounding}};
    for (int32_t i0 = 0; i0 < n->size_0; i0++) {
        for (int32_t i1 = 0; i1 < n->size_1; i1++) {
            for (int32_t i2 = 0; i2 < n->size_2; i2++) {
                const int8_t *in1 = &input1[(i0 * n->step1_0) + (i1 * n->step1_1) + (i2 * n->step1_2)];
                const int8_t *in2 = &input2[(i0 * n->step2_0) + (i1 * n->step2_1) + (i2 * n->step2_2)];
                if (n->step1_3 == 0) {
                    const int32_t factor = (int32_t)*in1 + params->input1_offset;
                    product_of_one(k, factor, params->input2_offset, in2, output, n->size_3);
                } else if (n->step2_3 == 0) {
                    const int32_t factor = (int32_t)*in2 + params->input2_offset;
                    product_of_one(k, factor, params->input1_offset, in1, output, n->size_3);
                } else {
                    product_of_two(params, k, in1, in2, output, n->size_3);
                }
                output = &output[n->size_3];
            }
        }
    }
}
