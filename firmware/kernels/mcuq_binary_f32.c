#include "mcuq_binary_f32.h"

#include "mcuq_f32.h"
#include "mcuq_real.h"

/* A function that gives `value`, of x and y, for each pair of elements. */
#define OF_PAIRS(function, value)                                                                                      \
    void function(const mcuq_binary_f32_params *params, const float *input1, const float *input2, float *output)       \
    {                                                                                                                  \
        const mcuq_binary_f32_params p = *params;                                                                      \
        mcuq_broadcast_row row = {0};                                                                                  \
        do {                                                                                                           \
            for (int32_t i = 0; i < p.loops.size_3; i++) {                                                             \
                const float x = input1[row.offset1 + (i * p.loops.step1_3)];                                           \
                const float y = input2[row.offset2 + (i * p.loops.step2_3)];                                           \
                *output = (value);                                                                                     \
                output++;                                                                                              \
            }                                                                                                          \
        } while (mcuq_broadcast_next(&p.loops, &row));                                                                 \
    }

OF_PAIRS(mcuq_add_f32, mcuq_clamp_f32(x + y, p.activation_min, p.activation_max))
OF_PAIRS(mcuq_sub_f32, mcuq_clamp_f32(x - y, p.activation_min, p.activation_max))
OF_PAIRS(mcuq_mul_f32, mcuq_clamp_f32(x * y, p.activation_min, p.activation_max))
OF_PAIRS(mcuq_div_f32, mcuq_clamp_f32(x / y, p.activation_min, p.activation_max))
OF_PAIRS(mcuq_maximum_f32, (x > y) ? x : y)
OF_PAIRS(mcuq_minimum_f32, (x < y) ? x : y)
OF_PAIRS(mcuq_squared_difference_f32, (x - y) * (x - y))
OF_PAIRS(mcuq_prelu_f32, (x >= 0.0F) ? x : (x * y))
OF_PAIRS(mcuq_pow_f32, (float)mcuq_real_power((double)x, (double)y))

void mcuq_compare_f32(const mcuq_compare_f32_params *params, const float *input1, const float *input2, void *output)
{
    const mcuq_compare_f32_params p = *params;
    uint8_t *out = output;
    mcuq_broadcast_row row = {0};
    do {
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const float x = input1[row.offset1 + (i * p.loops.step1_3)];
            const float y = input2[row.offset2 + (i * p.loops.step2_3)];
            const int32_t not_less = (x > y) ? p.greater : ((x == y) ? p.equal : p.unordered);
            *out = (uint8_t)((x < y) ? p.less : not_less);
            out++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}
