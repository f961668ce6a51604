#include "mcuq_quantize_f32.h"

#include "mcuq_requantize.h"

/* Beyond these many steps every output is saturated; the sum below stays far inside int32. */
#define STEPS_MAX 1048576.0F

/* round(x), half away from zero; x - trunc(x) is exact in floating point. NaN gives 0. */
static inline int32_t rounded(float x)
{
    if (!(x < STEPS_MAX)) {
        return (x >= STEPS_MAX) ? (int32_t)STEPS_MAX : 0;
    }
    if (x < -STEPS_MAX) {
        return -(int32_t)STEPS_MAX;
    }
    const int32_t whole = (int32_t)x;
    const float rest = x - (float)whole;
    return whole + ((rest >= 0.5F) ? 1 : 0) - ((rest <= -0.5F) ? 1 : 0);
}

void mcuq_quantize_f32_s8(const float *scale, int32_t zero_point, const float *input, int8_t *output, int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (int8_t)mcuq_clamp(rounded(input[i] / *scale) + zero_point, INT8_MIN, INT8_MAX);
    }
}

void mcuq_quantize_f32_u8(const float *scale, int32_t zero_point, const float *input, uint8_t *output,
                          int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (uint8_t)mcuq_clamp(rounded(input[i] / *scale) + zero_point, 0, UINT8_MAX);
    }
}

void mcuq_quantize_f32_s16(const float *scale, int32_t zero_point, const float *input, int16_t *output,
                           int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (int16_t)mcuq_clamp(rounded(input[i] / *scale) + zero_point, INT16_MIN, INT16_MAX);
    }
}
