#include "mcuq_triple_store.h"

#include "mcuq_high_multiply.h"

static inline int8_t clamped(const mcuq_triple_requantize *r, int32_t value)
{
    int32_t result = mcuq_saturated_int8(value);
    if (r->clamped) {
        result = (result < r->activation_min) ? r->activation_min : result;
        result = (result > r->activation_max) ? r->activation_max : result;
    }
    return (int8_t)result;
}

/* bias + (acc << left), modulo 2^32: the sum fits. */
static inline int32_t scaled(int32_t bias, int32_t acc, uint32_t left)
{
    return (int32_t)((uint32_t)bias + ((uint32_t)acc << left));
}

void mcuq_triple_store(const mcuq_triple_requantize *requantize, const mcuq_triple_steps *steps,
                       const int32_t *constants, const int32_t sums[3], int8_t *out)
{
    const mcuq_triple_requantize *const r = requantize;
    const int32_t bias = constants[0];
    const mcuq_factor factor = mcuq_factor_of(constants[1]);
    const uint32_t left = (uint32_t)r->left_shift;
    int32_t value0;
    int32_t value1;
    int32_t value2;
    if (r->twice) {
        const int32_t rounding = constants[2];
        const int32_t shift = constants[3];
        const int32_t t0 = mcuq_high_multiply_rounded(scaled(bias, sums[0], left), factor);
        const int32_t t1 = mcuq_high_multiply_rounded(scaled(bias, sums[1], left), factor);
        const int32_t t2 = mcuq_high_multiply_rounded(scaled(bias, sums[2], left), factor);
        value0 = (t0 + (t0 >> 31) + rounding) >> shift;
        value1 = (t1 + (t1 >> 31) + rounding) >> shift;
        value2 = (t2 + (t2 >> 31) + rounding) >> shift;
    } else {
        const int32_t shift = r->right_shift;
        value0 = mcuq_high_multiply(scaled(bias, sums[0], left), factor) >> shift;
        value1 = mcuq_high_multiply(scaled(bias, sums[1], left), factor) >> shift;
        value2 = mcuq_high_multiply(scaled(bias, sums[2], left), factor) >> shift;
    }
    /* The first is stored last: steps of 0 lead to it. */
    out[steps->third] = clamped(r, value2);
    out[steps->second] = clamped(r, value1);
    out[0] = clamped(r, value0);
}
