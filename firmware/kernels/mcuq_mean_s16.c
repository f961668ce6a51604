#include "mcuq_mean_s16.h"

#include "mcuq_requantize.h"

static inline int32_t reduced_sum(const mcuq_mean_s8_params *p, const int16_t *input)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->reduced_size_0; i++) {
        for (int32_t j = 0; j < p->reduced_size_1; j++) {
            const int16_t *in = &input[(i * p->reduced_step_0) + (j * p->reduced_step_1)];
            for (int32_t k = 0; k < p->reduced_size_2; k++) {
                sum += (int32_t)in[k * p->reduced_step_2];
            }
        }
    }
    return sum;
}

void mcuq_mean_s16(const mcuq_mean_s8_params *params, const int16_t *input, int16_t *output)
{
    const mcuq_mean_s8_params p = *params;

    for (int32_t i = 0; i < p.kept_size_0; i++) {
        for (int32_t j = 0; j < p.kept_size_1; j++) {
            const int16_t *in = &input[(i * p.kept_step_0) + (j * p.kept_step_1)];
            for (int32_t k = 0; k < p.kept_size_2; k++) {
                const int32_t sum = p.sum_offset + reduced_sum(&p, &in[k * p.kept_step_2]);
                const int32_t value = p.output_offset + mcuq_requantize_double(sum, p.multiplier, p.shift);
                *output = (int16_t)mcuq_clamp(value, INT16_MIN, INT16_MAX);
                output++;
            }
        }
    }
}
