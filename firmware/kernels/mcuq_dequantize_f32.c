#include "mcuq_dequantize_f32.h"

void mcuq_dequantize_s8_f32(const float *scale, int32_t zero_point, const int8_t *input, float *output,
                            int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = *scale * (float)((int32_t)input[i] - zero_point);
    }
}

void mcuq_dequantize_u8_f32(const float *scale, int32_t zero_point, const uint8_t *input, float *output,
                            int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = *scale * (float)((int32_t)input[i] - zero_point);
    }
}

void mcuq_dequantize_s16_f32(const float *scale, int32_t zero_point, const int16_t *input, float *output,
                             int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = *scale * (float)((int32_t)input[i] - zero_point);
    }
}
