#include "mcuq_triple_store.h"

static int32_t clamped(const mcuq_triple_requantize *r, int32_t value)
{
    int32_t result = mcuq_saturated_int8(value);
    result = (result < r->activation_min) ? r->activation_min : result;
    return (result > r->activation_max) ? r->activation_max : result;
}

void mcuq_triple_store_any(const mcuq_triple_requantize *requantize, const mcuq_triple_steps *steps,
                           const int32_t *constants, const int32_t sums[3], int8_t *out)
{
    int8_t values[3];
    if (requantize->twice) {
        const mcuq_factor factor = mcuq_factor_of(constants[1]);
        for (int32_t i = 0; i < 3; i++) {
            const int32_t doubled = (int32_t)((uint32_t)constants[0] + ((uint32_t)sums[i] << 1U));
            const int32_t t = mcuq_high_multiply_rounded(doubled, factor);
            values[i] = (int8_t)clamped(requantize, ((t + (t >> 31)) + constants[2]) >> constants[3]);
        }
    } else {
        const mcuq_triple_steps together = {1, 2};
        mcuq_triple_store_line(requantize->shift, together, constants, sums[0], sums[1], sums[2], values);
        for (int32_t i = 0; i < 3; i++) {
            values[i] = (int8_t)clamped(requantize, values[i]);
        }
    }
    out[steps->third] = values[2];
    out[steps->second] = values[1];
    out[0] = values[0];
}
