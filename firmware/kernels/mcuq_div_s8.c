#include "mcuq_div_s8.h"

#include "mcuq_reciprocal.h"

/* Zeros above the highest one. A loop: Armv6-M has no instruction, and the values are bytes. */
static inline int32_t leading_zeros(uint32_t value)
{
    int32_t count = 32;
    while (value != 0U) {
        value >>= 1;
        count--;
    }
    return count;
}

static inline int32_t quotient(const mcuq_div_s8_params *p, int32_t x, int32_t d)
{
    const int32_t dividend = (d < 0) ? -x : x;
    const int32_t magnitude = (d < 0) ? -d : d;
    const uint32_t divisor = (uint32_t)((magnitude == 0) ? 1 : magnitude);
    const int32_t zeros = leading_zeros(divisor);
    const int32_t inverse = mcuq_reciprocal((divisor << zeros) - (UINT32_C(1) << 31));
    const int32_t headroom = leading_zeros((uint32_t)((dividend < 0) ? ~dividend : dividend)) - 1;
    const int32_t shifted = (int32_t)((uint32_t)dividend << headroom);
    const int32_t unscaled = mcuq_doubling_high_multiply(shifted, inverse);
    return mcuq_requantize_double(unscaled, p->output_multiplier, p->output_shift - (31 - zeros) - headroom);
}

void mcuq_div_s8(const mcuq_div_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const mcuq_div_s8_params p = *params;
    mcuq_broadcast_row row = {0};
    do {
        const int8_t *in1 = &input1[row.offset1];
        const int8_t *in2 = &input2[row.offset2];
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const int32_t x = (int32_t)in1[i * p.loops.step1_3] + p.input1_offset;
            const int32_t d = (int32_t)in2[i * p.loops.step2_3] + p.input2_offset;
            *output = (int8_t)mcuq_clamp(p.output_offset + quotient(&p, x, d), p.activation_min, p.activation_max);
            output++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}
