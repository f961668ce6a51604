#include "mcuq_prelu_s8.h"

#include "mcuq_requantize.h"

void mcuq_prelu_s8(const mcuq_prelu_s8_params *params, const int8_t *input, const int8_t *alpha, int8_t *output)
{
    const mcuq_prelu_s8_params p = *params;
    mcuq_broadcast_row row = {0};
    do {
        const int8_t *in = &input[row.offset1];
        const int8_t *slope = &alpha[row.offset2];
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const int32_t x = (int32_t)in[i * p.loops.step1_3] + p.input_offset;
            int32_t y;
            if (x >= 0) {
                y = mcuq_requantize_double(x, p.positive_multiplier, p.positive_shift);
            } else {
                const int32_t product = x * ((int32_t)slope[i * p.loops.step2_3] + p.alpha_offset);
                y = mcuq_requantize_double(product, p.negative_multiplier, p.negative_shift);
            }
            *output = (int8_t)mcuq_clamp(p.output_offset + y, INT8_MIN, INT8_MAX);
            output++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}
