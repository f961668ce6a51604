#include "mcuq_pool_2d_mve.h"
#include "mcuq_window.h"

/* The taps of a window that lie inside the input, and what divides their sum. */
typedef struct {
    const int8_t *first;
    int32_t height;
    int32_t width;
    int32_t row_bytes;
    int32_t half;
    uint32_t reciprocal;
} window;

static inline window window_of(const int8_t *first, int32_t height, int32_t width, int32_t row_bytes)
{
    const uint32_t count = (uint32_t)(height * width);
    if (count == 1U) { /* The same tap twice: the reciprocal of one does not fit. */
        return (window){first, 2, 1, 0, 1, UINT32_C(1) << 31};
    }
    return (window){first, height, width, row_bytes, (int32_t)(count / 2U), (UINT32_MAX / count) + 1U};
}

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

/* sum / count, rounded half away from zero. */
static inline int32x4_t mean(int32x4_t sum, int32_t half, uint32_t reciprocal)
{
    const int32x4_t sign = vshrq_n_s32(sum, 31);
    const uint32x4_t raised = vreinterpretq_u32_s32(vaddq_n_s32(vabsq_s32(sum), half));
    const int32x4_t quotient = vreinterpretq_s32_u32(vmulhq_u32(raised, vdupq_n_u32(reciprocal)));
    return vsubq_s32(veorq_s32(quotient, sign), sign);
}

static void pixel(const mcuq_pool_2d_s8_params *p, window w, int8_t *output)
{
    for (int32_t left = p->channels; left > 0; left -= 8) {
        const mve_pred16_t some = vctp16q((uint32_t)left);
        const int8_t *row = w.first;
        int16x8_t sum = vdupq_n_s16(0);
        for (int32_t y = w.height; y > 0; y--) {
            const int8_t *tap = row;
            for (int32_t x = w.width; x > 0; x--) {
                sum = vaddq_s16(sum, vldrbq_z_s16(tap, some));
                tap += p->channels;
            }
            row += w.row_bytes;
        }
        const int32x4_t even = mean(vmovlbq_s16(sum), w.half, w.reciprocal);
        const int32x4_t odd = mean(vmovltq_s16(sum), w.half, w.reciprocal);
        int16x8_t value = vmovntq_s32(vreinterpretq_s16_s32(even), odd);
        value = vmaxq_s16(value, vdupq_n_s16((int16_t)p->activation_min));
        value = vminq_s16(value, vdupq_n_s16((int16_t)p->activation_max));
        vstrbq_p_s16(output, value, some);
        w.first += 8;
        output += 8;
    }
}

#else

#include "mcuq_requantize.h"

static void pixel(const mcuq_pool_2d_s8_params *p, window w, int8_t *output)
{
    for (int32_t c = 0; c < p->channels; c++) {
        int32_t sum = 0;
        for (int32_t y = 0; y < w.height; y++) {
            for (int32_t x = 0; x < w.width; x++) {
                sum += (int32_t)w.first[(y * w.row_bytes) + (x * p->channels) + c];
            }
        }
        const uint32_t raised = (uint32_t)((sum < 0) ? -sum : sum) + (uint32_t)w.half;
        const int32_t quotient = (int32_t)(((uint64_t)raised * w.reciprocal) >> 32);
        output[c] = (int8_t)mcuq_clamp((sum < 0) ? -quotient : quotient, p->activation_min, p->activation_max);
    }
}

#endif

void mcuq_average_pool_2d_mve(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output)
{
    const mcuq_pool_2d_s8_params p = *params;
    const int32_t input_row = p.input_width * p.channels;
    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int32_t top = (y * p.stride_height) - p.pad_top;
            const mcuq_taps rows = mcuq_taps_inside(top, p.filter_height, 1, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const int32_t left = (x * p.stride_width) - p.pad_left;
                const mcuq_taps columns = mcuq_taps_inside(left, p.filter_width, 1, p.input_width);
                const int8_t *const first =
                    &input[((top + rows.first) * input_row) + ((left + columns.first) * p.channels)];
                pixel(&p, window_of(first, rows.end - rows.first, columns.end - columns.first, input_row), output);
                output += p.channels;
            }
        }
        input += p.input_height * input_row;
    }
}
