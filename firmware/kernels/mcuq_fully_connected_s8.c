#include "mcuq_fully_connected_s8.h"

#include "mcuq_requantize.h"

static inline int32_t dot(const int8_t *input, const int8_t *weights, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)input[i] * (int32_t)weights[i];
    }
    return sum;
}

void mcuq_fully_connected_s8(const mcuq_fully_connected_s8_params *params, const int8_t *input, const int8_t *weights,
                             const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int8_t *output)
{
    const mcuq_fully_connected_s8_params p = *params;

    for (int32_t n = 0; n < p.batches; n++) {
        const int8_t *row = weights;
        for (int32_t o = 0; o < p.outputs; o++) {
            const int32_t acc = bias[o] + dot(input, row, p.depth);
            const int32_t scale = o * p.scale_step;
            const int32_t value = p.output_offset + mcuq_requantize_single(acc, multipliers[scale], shifts[scale]);
            output[o] = (int8_t)mcuq_clamp(value, p.activation_min, p.activation_max);
            row += p.depth;
        }
        output += p.pitch;
        input += p.depth;
    }
}
