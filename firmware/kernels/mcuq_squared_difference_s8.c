#include "mcuq_squared_difference_s8.h"

#include "mcuq_requantize.h"

void mcuq_squared_difference_s8(const mcuq_squared_difference_s8_params *params, const int8_t *input1,
                                const int8_t *input2, int8_t *output)
{
    const mcuq_squared_difference_s8_params p = *params;
    mcuq_broadcast_row row = {0};
    do {
        const int8_t *in1 = &input1[row.offset1];
        const int8_t *in2 = &input2[row.offset2];
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const int32_t q1 = ((int32_t)in1[i * p.loops.step1_3] + p.input1_offset) * 128;
            const int32_t q2 = ((int32_t)in2[i * p.loops.step2_3] + p.input2_offset) * 128;
            const int32_t x1 = mcuq_requantize_double(q1, p.input1_multiplier, p.input1_shift);
            const int32_t x2 = mcuq_requantize_double(q2, p.input2_multiplier, p.input2_shift);
            const int32_t square = (x1 - x2) * (x1 - x2);
            const int32_t y = mcuq_requantize_double(square, p.output_multiplier, p.output_shift);
            *output = (int8_t)mcuq_clamp(p.output_offset + y, INT8_MIN, INT8_MAX);
            output++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}
