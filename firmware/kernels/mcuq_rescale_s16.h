/* Values from one quantization to another, where one side is int16: out = clamp(output_offset + requantize(in +
 * input_offset)), with one factor from zero up and another below it. Runs QUANTIZE, RELU, RELU6 and LEAKY_RELU.
 *
 * Rounding: double; multipliers Q31, shifts -31 .. 15 (.. 23 from int8). Layouts: any. Scratch: none.
 * The output may be the input where both are int16. Cost: about 20 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_RESCALE_S16_H
#define MCUQ_RESCALE_S16_H

#include <stdint.h>

typedef struct {
    int32_t input_offset; /* minus the input's zero point */
    int32_t positive_multiplier;
    int32_t positive_shift;
    int32_t negative_multiplier;
    int32_t negative_shift;
    int32_t output_offset;
    int32_t output_min;
    int32_t output_max;
} mcuq_rescale_params;

void mcuq_rescale_s16_s16(const mcuq_rescale_params *params, const int16_t *input, int16_t *output, int32_t elements);
void mcuq_rescale_s16_s8(const mcuq_rescale_params *params, const int16_t *input, int8_t *output, int32_t elements);
void mcuq_rescale_s8_s16(const mcuq_rescale_params *params, const int8_t *input, int16_t *output, int32_t elements);

#endif
