#include "mcuq_mul_s16.h"

#include "mcuq_requantize.h"

void mcuq_mul_s16(const mcuq_mul_s8_params *params, const int16_t *input1, const int16_t *input2, int16_t *output)
{
    const mcuq_mul_s8_params p = *params;
    const mcuq_broadcast n = p.loops;

    for (int32_t i0 = 0; i0 < n.size_0; i0++) {
        for (int32_t i1 = 0; i1 < n.size_1; i1++) {
            for (int32_t i2 = 0; i2 < n.size_2; i2++) {
                const int16_t *in1 = &input1[(i0 * n.step1_0) + (i1 * n.step1_1) + (i2 * n.step1_2)];
                const int16_t *in2 = &input2[(i0 * n.step2_0) + (i1 * n.step2_1) + (i2 * n.step2_2)];
                for (int32_t i3 = 0; i3 < n.size_3; i3++) {
                    const int32_t q1 = (int32_t)in1[i3 * n.step1_3] + p.input1_offset;
                    const int32_t q2 = (int32_t)in2[i3 * n.step2_3] + p.input2_offset;
                    const int32_t y = mcuq_requantize_double(q1 * q2, p.output_multiplier, p.output_shift);
                    *output = (int16_t)mcuq_clamp(p.output_offset + y, p.activation_min, p.activation_max);
                    output++;
                }
            }
        }
    }
}
