#include "mcuq_fully_connected_codes.h"

#include "mcuq_requantize.h"
#include "mcuq_unpack_codes.h"

static inline int32_t dot(const int8_t *input, const int8_t *weights, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)input[i] * (int32_t)weights[i];
    }
    return sum;
}

void mcuq_fully_connected_codes(const mcuq_fully_connected_s8_params *params, int32_t bits, const int8_t *input,
                                const uint8_t *codes, const int8_t *palette, const int32_t *bias,
                                const int32_t *multipliers, const int32_t *shifts, void *scratch, int8_t *output)
{
    const mcuq_fully_connected_s8_params p = *params;
    int8_t *row = scratch;

    for (int32_t o = 0; o < p.outputs; o++) {
        const int32_t scale = o * p.scale_step;
        mcuq_unpack_codes(codes, palette, bits, p.depth, row);
        codes += ((p.depth * bits) + 7) / 8;
        for (int32_t n = 0; n < p.batches; n++) {
            const int32_t acc = bias[o] + dot(&input[n * p.depth], row, p.depth);
            const int32_t value = p.output_offset + mcuq_requantize_single(acc, multipliers[scale], shifts[scale]);
            output[(n * p.outputs) + o] = (int8_t)mcuq_clamp(value, p.activation_min, p.activation_max);
        }
    }
}
