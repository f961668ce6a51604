#include "mcuq_compare.h"

#include "mcuq_requantize.h"

static inline uint8_t answer(const mcuq_compare_params *p, int32_t x1, int32_t x2)
{
    const int32_t not_less = (x1 > x2) ? p->greater : p->equal;
    return (uint8_t)((x1 < x2) ? p->less : not_less);
}

void mcuq_compare_s8(const mcuq_compare_params *params, const void *input1, const void *input2, void *output)
{
    const mcuq_compare_params p = *params;
    uint8_t *out = output;
    mcuq_broadcast_row row = {0};
    do {
        const int8_t *in1 = &((const int8_t *)input1)[row.offset1];
        const int8_t *in2 = &((const int8_t *)input2)[row.offset2];
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const int32_t q1 = ((int32_t)in1[i * p.loops.step1_3] + p.input1_offset) * 256;
            const int32_t q2 = ((int32_t)in2[i * p.loops.step2_3] + p.input2_offset) * 256;
            const int32_t x1 = mcuq_requantize_double(q1, p.input1_multiplier, p.input1_shift);
            const int32_t x2 = mcuq_requantize_double(q2, p.input2_multiplier, p.input2_shift);
            *out = answer(&p, x1, x2);
            out++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}

void mcuq_compare_s32(const mcuq_compare_params *params, const int32_t *input1, const int32_t *input2, void *output)
{
    const mcuq_compare_params p = *params;
    uint8_t *out = output;
    mcuq_broadcast_row row = {0};
    do {
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const int32_t x1 = input1[row.offset1 + (i * p.loops.step1_3)];
            const int32_t x2 = input2[row.offset2 + (i * p.loops.step2_3)];
            *out = answer(&p, x1, x2);
            out++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}
