/* The reciprocal of a normalised number by LiteRT's fixed-point Newton steps.
 *
 * mcuq_reciprocal(fraction): 1 / (1 + fraction) for a fraction of 0 .. 1 in Q0.31; the result is 1/2 .. 1 in Q0.31.
 */
#ifndef MCUQ_RECIPROCAL_H
#define MCUQ_RECIPROCAL_H

#include <stdint.h>

#include "mcuq_requantize.h"

static inline int32_t mcuq_reciprocal(uint32_t fraction)
{
    const int32_t half_denominator = (int32_t)((fraction >> 1) + (UINT32_C(1) << 30));
    /* Newton's method in Q2.29, started at 48/17 - 32/17 * half_denominator. */
    int32_t x = 1515870810 + mcuq_doubling_high_multiply(half_denominator, -1010580540);
    for (int32_t step = 0; step < 3; step++) {
        const int32_t error = (1 << 29) - mcuq_doubling_high_multiply(half_denominator, x);
        x += mcuq_doubling_high_multiply(x, error) * 4;
    }
    return (x >= (1 << 30)) ? INT32_MAX : (x * 2);
}

#endif
