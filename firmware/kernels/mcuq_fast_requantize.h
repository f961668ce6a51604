/* Requantization in a few DSP instructions, exact for the accumulators that its constants were made for.
 *
 * Affine:        ((bias + (acc << left_shift)) * multiplier >> 32) >> right_shift, clamped to int8.
 * Twice rounded: t = (2 * acc * multiplier + 2^31) >> 32; (t + (t < 0 ? -1 : 0) + rounding) >> shift, clamped to int8.
 * Zero points are in bias and in rounding. The constants, and the proof that the affine form gives LiteRT's bytes at
 * every step of the output over the accumulator's range, are made offline (mcuq/kernels/fast_requantize.py). The second
 * form is LiteRT's arithmetic itself: the multiplication rounds half up, the shift half away from zero.
 * Sums wrap around as the instructions do. Cost on a Cortex-M4: 5 and 6 cycles.
 */
#ifndef MCUQ_FAST_REQUANTIZE_H
#define MCUQ_FAST_REQUANTIZE_H

#include <stdint.h>

#include "mcuq_dsp.h"

/* scaled is bias + (acc << left_shift). */
static inline int32_t mcuq_requantize_affine(int32_t scaled, int32_t multiplier, uint32_t right_shift)
{
    return mcuq_saturate_int8(mcuq_smmul(scaled, multiplier) >> right_shift);
}

/* doubled is 2 * acc, the bias included. */
static inline int32_t mcuq_requantize_twice(int32_t doubled, int32_t multiplier, int32_t rounding, uint32_t shift)
{
    const int32_t product = mcuq_smmulr(doubled, multiplier);
    return mcuq_saturate_int8(((product + (product >> 31)) + rounding) >> shift);
}

#endif
