/* The loops of mcuq_add_s8.c and mcuq_add_s16.c, for the type element and the bits LEFT_SHIFT that inputs are brought up,
 * which the file that includes this has defined. Formula and parameters: mcuq_add_s8.h.
 */
#ifndef MCUQ_ADD_LOOPS_H
#define MCUQ_ADD_LOOPS_H

#include "mcuq_add_s8.h"
#include "mcuq_requantize.h"

/* sign is a literal +1 or -1 in both callers, so each gets its own loops without a multiplication. */
static inline void add_or_sub(const mcuq_add_s8_params *params, int32_t sign, const element *input1,
                              const element *input2, element *output)
{
    const mcuq_add_s8_params p = *params;
    const mcuq_broadcast n = p.loops;

    for (int32_t i0 = 0; i0 < n.size_0; i0++) {
        for (int32_t i1 = 0; i1 < n.size_1; i1++) {
            for (int32_t i2 = 0; i2 < n.size_2; i2++) {
                const element *in1 = &input1[(i0 * n.step1_0) + (i1 * n.step1_1) + (i2 * n.step1_2)];
                const element *in2 = &input2[(i0 * n.step2_0) + (i1 * n.step2_1) + (i2 * n.step2_2)];
                for (int32_t i3 = 0; i3 < n.size_3; i3++) {
                    const int32_t q1 = ((int32_t)in1[i3 * n.step1_3] + p.input1_offset) * (1 << LEFT_SHIFT);
                    const int32_t q2 = ((int32_t)in2[i3 * n.step2_3] + p.input2_offset) * (1 << LEFT_SHIFT);
                    const int32_t x1 = mcuq_rounding_shift_right(
                        mcuq_doubling_high_multiply(q1, p.input1_multiplier), -p.input1_shift);
                    const int32_t x2 = mcuq_rounding_shift_right(
                        mcuq_doubling_high_multiply(q2, p.input2_multiplier), -p.input2_shift);
                    const int32_t y = mcuq_rounding_shift_right(
                        mcuq_doubling_high_multiply(x1 + (sign * x2), p.output_multiplier), -p.output_shift);
                    *output = (element)mcuq_clamp(p.output_offset + y, p.activation_min, p.activation_max);
                    output++;
                }
            }
        }
    }
}

#endif
