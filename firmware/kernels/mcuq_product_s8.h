/* Product of two int8 tensors with broadcasting, for cores with the DSP extension.
 *
 * out = value of (in1 + input1_offset) * (in2 + input2_offset) * scaling + bias, by mcuq_prescaled_requantize.h
 *
 * The bytes of mcuq_mul_s8 without a narrower activation; the constants are proven for all products that can be.
 * Layouts: any, see mcuq_broadcast.h, where the innermost steps are 1, or one of them is 0. Scratch: none.
 * An output may be an input where that input is not repeated. Cost: about 11 cycles an element on a Cortex-M4.
 */
#ifndef MCUQ_PRODUCT_S8_H
#define MCUQ_PRODUCT_S8_H

#include <stdint.h>

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops;
    int32_t input1_offset; /* minus the first input's zero point */
    int32_t input2_offset;
    int32_t scaling; /* a power of two */
    int32_t bias;
    int32_t multiplier;
    int32_t correction;
    int32_t rounding;
} mcuq_product_s8_params;

void mcuq_product_s8(const mcuq_product_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output);

#endif
