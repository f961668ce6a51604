/* Dequantization to float tensors: out = scale * (in - zero_point), rounded once.
 *
 * Layouts: any. Scratch: none. Cost: about 6 instructions an element with an FPU, some fifty without one.
 */
#ifndef MCUQ_DEQUANTIZE_F32_H
#define MCUQ_DEQUANTIZE_F32_H

#include <stdint.h>

void mcuq_dequantize_s8_f32(const float *scale, int32_t zero_point, const int8_t *input, float *output,
                            int32_t elements);
void mcuq_dequantize_u8_f32(const float *scale, int32_t zero_point, const uint8_t *input, float *output,
                            int32_t elements);
void mcuq_dequantize_s16_f32(const float *scale, int32_t zero_point, const int16_t *input, float *output,
                             int32_t elements);

#endif
