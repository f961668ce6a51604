/* The loops of mcuq_add_s8.c and mcuq_add_s16.c, for the type add_element and the bits LEFT_SHIFT that inputs are brought
 * up, which the file that includes this has defined. Formula and parameters: mcuq_add_s8.h.
 */
#ifndef MCUQ_ADD_LOOPS_H
#define MCUQ_ADD_LOOPS_H

#include "mcuq_add_s8.h"
#include "mcuq_dsp.h"
#include "mcuq_requantize.h"

/* What is the same for all elements that are requantized alike. */
typedef struct {
    int32_t multiplier;
    int32_t right;
    int32_t half;
    int32_t signs; /* what of the sign bits makes halves go away from zero: none where nothing is shifted out */
} factor;

static inline factor factor_of(int32_t multiplier, int32_t shift)
{
    const factor found = {multiplier, -shift, (shift < 0) ? (1 << (-shift - 1)) : 0, (shift < 0) ? -1 : 0};
    return found;
}

/* mcuq_requantize_double() of half of doubled. No sum leaves int32: doubled is within it, and multipliers below one. */
static inline int32_t times(int32_t doubled, factor f)
{
    const int32_t value = mcuq_smmulr(doubled, f.multiplier);
    return (value + f.half + ((value >> 31) & f.signs)) >> f.right;
}

/* sign is a literal +1 or -1 in both callers, so each gets its own loops without a multiplication. */
static inline void add_or_sub(const mcuq_add_s8_params *params, int32_t sign, const add_element *input1,
                              const add_element *input2, add_element *output)
{
    const mcuq_add_s8_params p = *params;
    const mcuq_broadcast n = p.loops;
    const factor factor1 = factor_of(p.input1_multiplier, p.input1_shift);
    const factor factor2 = factor_of(p.input2_multiplier, p.input2_shift);
    const factor factor_out = factor_of(p.output_multiplier, p.output_shift);

    for (int32_t i0 = 0; i0 < n.size_0; i0++) {
        for (int32_t i1 = 0; i1 < n.size_1; i1++) {
            for (int32_t i2 = 0; i2 < n.size_2; i2++) {
                const add_element *in1 = &input1[(i0 * n.step1_0) + (i1 * n.step1_1) + (i2 * n.step1_2)];
                const add_element *in2 = &input2[(i0 * n.step2_0) + (i1 * n.step2_1) + (i2 * n.step2_2)];
                for (int32_t i3 = 0; i3 < n.size_3; i3++) {
                    const int32_t q1 = ((int32_t)in1[i3 * n.step1_3] + p.input1_offset) * (2 << LEFT_SHIFT);
                    const int32_t q2 = ((int32_t)in2[i3 * n.step2_3] + p.input2_offset) * (2 << LEFT_SHIFT);
                    /* |x| <= |q| / 4, since each input's factor is 1/2 at most, so twice their sum fits int32. */
                    const int32_t x1 = times(q1, factor1);
                    const int32_t x2 = times(q2, factor2);
                    const int32_t y = times((x1 + (sign * x2)) * 2, factor_out);
                    *output = (add_element)mcuq_clamp(p.output_offset + y, p.activation_min, p.activation_max);
                    output++;
                }
            }
        }
    }
}

#endif
