#include "mcuq_add_mve.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

typedef struct {
    int32_t multiplier;
    int32_t shift; /* negative */
} factor;

static inline int32x4_t requantize(int32x4_t value, factor f)
{
    const int32x4_t t = vqrdmulhq_n_s32(value, f.multiplier);
    return vrshlq_n_s32(vaddq_s32(t, vshrq_n_s32(t, 31)), f.shift);
}

/* Eight sums, not clamped. */
static inline int16x8_t sum_8(const mcuq_add_mve_params *p, int16x8_t a, int16x8_t b, factor factor_b, factor output)
{
    const int16x8_t scaled_a = vshlq_n_s16(vsubq_n_s16(a, (int16_t)p->a_zero_point), 3);
    const int16x8_t scaled_b = vshlq_r_s16(vsubq_n_s16(b, (int16_t)p->b_zero_point), p->b_left_shift);
    const int32x4_t even_b = requantize(vshllbq_n_s16(scaled_b, 16), factor_b);
    const int32x4_t odd_b = requantize(vshlltq_n_s16(scaled_b, 16), factor_b);
    const int32x4_t even = requantize(vaddq_s32(vshllbq_n_s16(scaled_a, 16), even_b), output);
    const int32x4_t odd = requantize(vaddq_s32(vshlltq_n_s16(scaled_a, 16), odd_b), output);
    return vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(even), even), odd);
}

static inline int16x8_t clamped(const mcuq_add_mve_params *p, int16x8_t sums)
{
    const int16x8_t value = vqaddq_n_s16(sums, (int16_t)p->output_offset);
    return vminq_s16(vmaxq_s16(value, vdupq_n_s16((int16_t)p->activation_min)),
                     vdupq_n_s16((int16_t)p->activation_max));
}

void mcuq_add_mve(const mcuq_add_mve_params *params, const int8_t *a, const int8_t *b, int8_t *output)
{
    const mcuq_add_mve_params p = *params;
    const factor factor_b = {p.b_multiplier, -p.b_right_shift};
    const factor factor_output = {p.output_multiplier, -p.output_right_shift};

    for (int32_t i = p.elements >> 3; i > 0; i--) {
        vstrbq_s16(output, clamped(&p, sum_8(&p, vldrbq_s16(a), vldrbq_s16(b), factor_b, factor_output)));
        a += 8;
        b += 8;
        output += 8;
    }
    const uint32_t rest = (uint32_t)p.elements & 7U;
    if (rest != 0U) {
        const mve_pred16_t some = vctp16q(rest);
        const int16x8_t sums = sum_8(&p, vldrbq_z_s16(a, some), vldrbq_z_s16(b, some), factor_b, factor_output);
        vstrbq_p_s16(output, clamped(&p, sums), some);
    }
}

#else

#include "mcuq_requantize.h"

void mcuq_add_mve(const mcuq_add_mve_params *params, const int8_t *a, const int8_t *b, int8_t *output)
{
    const mcuq_add_mve_params p = *params;
    for (int32_t i = 0; i < p.elements; i++) {
        const int32_t scaled_a = ((int32_t)a[i] - p.a_zero_point) * (1 << 19);
        const int32_t shifted_b = ((int32_t)b[i] - p.b_zero_point) * (int32_t)(UINT32_C(1) << (16U + (uint32_t)p.b_left_shift));
        const int32_t scaled_b = mcuq_requantize_double(shifted_b, p.b_multiplier, -p.b_right_shift);
        const int32_t sum = mcuq_requantize_double(scaled_a + scaled_b, p.output_multiplier, -p.output_right_shift);
        output[i] = (int8_t)mcuq_clamp(p.output_offset + sum, p.activation_min, p.activation_max);
    }
}

#endif
