#include "mcuq_mean_mve.h"

#include "mcuq_requantize_mve.h"

#if defined(__ARM_FEATURE_MVE)

static inline int32x4_t scaled(const mcuq_mean_mve_params *p, int32x4_t sum)
{
    const int32x4_t acc = vaddq_n_s32(sum, p->sum_offset);
    return mcuq_requantize_mve(acc, vdupq_n_s32(p->multiplier), vdupq_n_s32(p->shift), false);
}

void mcuq_mean_mve(const mcuq_mean_mve_params *params, const int8_t *input, int8_t *output)
{
    const mcuq_mean_mve_params p = *params;
    for (int32_t left = p.channels; left > 0; left -= 8) {
        const mve_pred16_t some = vctp16q((uint32_t)left);
        const int8_t *row = input;
        int16x8_t sum = vdupq_n_s16(0);
        for (int32_t i = p.rows; i > 0; i--) {
            sum = vaddq_s16(sum, vldrbq_z_s16(row, some));
            row += p.channels;
        }
        const int32x4_t even = scaled(&p, vmovlbq_s16(sum));
        const int32x4_t odd = scaled(&p, vmovltq_s16(sum));
        int16x8_t value = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(even), even), odd);
        value = vqaddq_n_s16(value, (int16_t)p.output_offset);
        value = vminq_s16(vmaxq_s16(value, vdupq_n_s16(INT8_MIN)), vdupq_n_s16(INT8_MAX));
        vstrbq_p_s16(output, value, some);
        input += 8;
        output += 8;
    }
}

#else

void mcuq_mean_mve(const mcuq_mean_mve_params *params, const int8_t *input, int8_t *output)
{
    const mcuq_mean_mve_params p = *params;
    for (int32_t c = 0; c < p.channels; c++) {
        int32_t sum = p.sum_offset;
        for (int32_t i = 0; i < p.rows; i++) {
            sum += (int32_t)input[(i * p.channels) + c];
        }
        const int32_t value = p.output_offset + mcuq_requantize_mve(sum, p.multiplier, p.shift, false);
        output[c] = (int8_t)mcuq_clamp(value, INT8_MIN, INT8_MAX);
    }
}

#endif
