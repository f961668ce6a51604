/* Quantization of float tensors: out = clamp(round(in / scale) + zero_point), halves away from zero.
 *
 * NaN becomes the zero point. Layouts: any. Scratch: none.
 * Cost: about 30 instructions an element with an FPU, some hundred without one.
 */
#ifndef MCUQ_QUANTIZE_F32_H
#define MCUQ_QUANTIZE_F32_H

#include <stdint.h>

void mcuq_quantize_f32_s8(const float *scale, int32_t zero_point, const float *input, int8_t *output, int32_t elements);
void mcuq_quantize_f32_u8(const float *scale, int32_t zero_point, const float *input, uint8_t *output,
                          int32_t elements);
void mcuq_quantize_f32_s16(const float *scale, int32_t zero_point, const float *input, int16_t *output,
                           int32_t elements);

#endif
