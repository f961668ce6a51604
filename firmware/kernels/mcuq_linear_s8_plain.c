#include "mcuq_linear_s8_plain.h"

#include "mcuq_high_multiply.h"

enum { SHIFT = 20 };

/* MISRA C:2012 10.1: right shifts of negative values are arithmetic on every compiler that mcuq supports. */
static inline int32_t term(int32_t high, int32_t low, int32_t q)
{
    return (high * q) + ((low * q) >> 8);
}

static void sum(const mcuq_linear_s8_params *p, const int8_t *in1, const int8_t *in2, int8_t *out)
{
    const int32_t high1 = p->factor1 >> 8;
    const int32_t low1 = p->factor1 & 0xff;
    const int32_t high2 = p->factor2 >> 8;
    const int32_t low2 = p->factor2 & 0xff;
    const int32_t constant = p->constant;
    const int32_t step1 = p->loops.step1_3;
    const int32_t step2 = p->loops.step2_3;
    int8_t *const end = &out[p->loops.size_3];
    while (out != end) {
        const int32_t value = constant + term(high1, low1, *in1) + term(high2, low2, *in2);
        *out = (int8_t)mcuq_saturated_int8(value >> SHIFT);
        in1 = &in1[step1];
        in2 = &in2[step2];
        out = &out[1];
    }
}

void mcuq_linear_s8_plain(const mcuq_linear_s8_params *params, const int8_t *input1, const int8_t *input2,
                          int8_t *output)
{
    const mcuq_broadcast *const n = &params->loops;
    for (int32_t i0 = 0; i0 < n->size_0; i0++) {
        for (int32_t i1 = 0; i1 < n->size_1; i1++) {
            for (int32_t i2 = 0; i2 < n->size_2; i2++) {
                sum(params, &input1[(i0 * n->step1_0) + (i1 * n->step1_1) + (i2 * n->step1_2)],
                    &input2[(i0 * n->step2_0) + (i1 * n->step2_1) + (i2 * n->step2_2)], output);
                output = &output[n->size_3];
            }
        }
    }
}
