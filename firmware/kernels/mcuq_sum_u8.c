#include "mcuq_sum_u8.h"

#include "mcuq_requantize.h"

static inline int32_t reduced_sum(const mcuq_reduction *n, const uint8_t *input)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n->reduced_size_0; i++) {
        for (int32_t j = 0; j < n->reduced_size_1; j++) {
            const uint8_t *in = &input[(i * n->reduced_step_0) + (j * n->reduced_step_1)];
            for (int32_t k = 0; k < n->reduced_size_2; k++) {
                sum += (int32_t)in[k * n->reduced_step_2];
            }
        }
    }
    return sum;
}

void mcuq_sum_u8(const mcuq_sum_u8_params *params, const void *input, void *output)
{
    const mcuq_sum_u8_params p = *params;
    uint8_t *out = output;
    for (int32_t i = 0; i < p.loops.kept_size_0; i++) {
        for (int32_t j = 0; j < p.loops.kept_size_1; j++) {
            const uint8_t *in = &((const uint8_t *)input)[(i * p.loops.kept_step_0) + (j * p.loops.kept_step_1)];
            for (int32_t k = 0; k < p.loops.kept_size_2; k++) {
                const int32_t sum = p.sum_offset + reduced_sum(&p.loops, &in[k * p.loops.kept_step_2]);
                const int32_t value = p.output_offset + mcuq_requantize_double(sum, p.multiplier, p.shift);
                *out = (uint8_t)mcuq_clamp(value, 0, UINT8_MAX);
                out++;
            }
        }
    }
}
