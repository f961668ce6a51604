#include "mcuq_linear_s8.h"

#include "mcuq_dsp.h"

#define SHIFT 20U
#define UPPER_BYTES 0xff00ff00U

/* constant + factor * 256 * input >> 16, as SMLAWB computes it. */
static inline int32_t add_term(int32_t factor, int8_t input, int32_t sum)
{
    return mcuq_smlawb(factor, (uint32_t)(int32_t)input << 8U, sum);
}

static inline int8_t output_of(int32_t sum)
{
    return (int8_t)mcuq_shift_saturate_int8(sum, SHIFT);
}

/* A byte in the upper half of a halfword is 256 times its value: one AND widens two elements. */
static void sum_of_two(const mcuq_linear_s8_params *p, const int8_t *in1, const int8_t *in2, int8_t *out, int32_t n)
{
    const int32_t factor1 = p->factor1;
    const int32_t factor2 = p->factor2;
    const int32_t constant = p->constant;
    for (int32_t fours = n >> 2; fours > 0; fours--) {
        const uint32_t x1 = mcuq_load_word(in1);
        const uint32_t x2 = mcuq_load_word(in2);
        const uint32_t even1 = (x1 << 8U) & UPPER_BYTES;
        const uint32_t even2 = (x2 << 8U) & UPPER_BYTES;
        const uint32_t odd1 = x1 & UPPER_BYTES;
        const uint32_t odd2 = x2 & UPPER_BYTES;
        out[0] = output_of(mcuq_smlawb(factor2, even2, mcuq_smlawb(factor1, even1, constant)));
        out[1] = output_of(mcuq_smlawb(factor2, odd2, mcuq_smlawb(factor1, odd1, constant)));
        out[2] = output_of(mcuq_smlawt(factor2, even2, mcuq_smlawt(factor1, even1, constant)));
        out[3] = output_of(mcuq_smlawt(factor2, odd2, mcuq_smlawt(factor1, odd1, constant)));
        in1 = &in1[4];
        in2 = &in2[4];
        out = &out[4];
    }
    for (int32_t i = 0; i < (n & 3); i++) {
        out[i] = output_of(add_term(factor2, in2[i], add_term(factor1, in1[i], constant)));
    }
}

/* One input has one value, which is part of the constant here. */
static void sum_of_one(int32_t factor, int32_t constant, const int8_t *in, int8_t *out, int32_t n)
{
    for (int32_t fours = n >> 2; fours > 0; fours--) {
        const uint32_t x = mcuq_load_word(in);
        const uint32_t even = (x << 8U) & UPPER_BYTES;
        const uint32_t odd = x & UPPER_BYTES;
        out[0] = output_of(mcuq_smlawb(factor, even, constant));
        out[1] = output_of(mcuq_smlawb(factor, odd, constant));
        out[2] = output_of(mcuq_smlawt(factor, even, constant));
        out[3] = output_of(mcuq_smlawt(factor, odd, constant));
        in = &in[4];
        out = &out[4];
    }
    for (int32_t i = 0; i < (n & 3); i++) {
        out[i] = output_of(add_term(factor, in[i], constant));
    }
}

void mcuq_linear_s8(const mcuq_linear_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const mcuq_broadcast *n = &params->loops;
    for (int32_t i0 = 0; i0 < n->size_0; i0++) {
        for (int32_t i1 = 0; i1 < n->size_1; i1++) {
            for (int32_t i2 = 0; i2 < n->size_2; i2++) {
                const int8_t *in1 = &input1[(i0 * n->step1_0) + (i1 * n->step1_1) + (i2 * n->step1_2)];
                const int8_t *in2 = &input2[(i0 * n->step2_0) + (i1 * n->step2_1) + (i2 * n->step2_2)];
                if (n->step1_3 == 0) {
                    const int32_t constant = add_term(params->factor1, *in1, params->constant);
                    sum_of_one(params->factor2, constant, in2, output, n->size_3);
                } else if (n->step2_3 == 0) {
                    const int32_t constant = add_term(params->factor2, *in2, params->constant);
                    sum_of_one(params->factor1, constant, in1, output, n->size_3);
                } else {
                    sum_of_two(params, in1, in2, output, n->size_3);
                }
                output = &output[n->size_3];
            }
        }
    }
}
