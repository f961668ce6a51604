/* Requantization of an accumulator that comes multiplied by a power of two: one multiplication, one fixed shift.
 *
 * out = saturate((rounding + (o * multiplier >> 32)) >> 14) to -128 .. 127, where a negative o first loses
 * `correction`. The plain form has correction and rounding 0. Constants are found, and proven to give the bytes of
 * mcuq_requantize_double for every accumulator of their channel, when code is generated
 * (mcuq/kernels/fixed_shift_requantize.py). Cost on a Cortex-M4: 5 cycles; 3 in the plain form.
 */
#ifndef MCUQ_PRESCALED_REQUANTIZE_H
#define MCUQ_PRESCALED_REQUANTIZE_H

#include <stdint.h>

#include "mcuq_dsp.h"

#define MCUQ_PRESCALED_SHIFT 14

typedef struct {
    int32_t multiplier;
    int32_t correction;
    int32_t rounding;
} mcuq_prescaled;

static inline int8_t mcuq_prescaled_int8(int32_t acc, mcuq_prescaled constants)
{
    const int32_t o = acc - (constants.correction & (acc >> 31));
    return (int8_t)mcuq_shift_saturate_int8(mcuq_smmla(o, constants.multiplier, constants.rounding),
                                            MCUQ_PRESCALED_SHIFT);
}

#endif
