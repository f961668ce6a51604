/* LiteRT's double rounding on Helium (MVE): t = round_half_up(acc * multiplier / 2^31), then t / 2^-shift, rounded.
 *
 * The second rounding is half away from zero with shifts of -31 .. -1. With relu it is half up with shifts of -31 .. 0,
 * for outputs that an activation clamps to the zero point where t < 0: both roundings give the same then.
 */
#ifndef MCUQ_REQUANTIZE_MVE_H
#define MCUQ_REQUANTIZE_MVE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

static inline __attribute__((always_inline)) int32x4_t mcuq_requantize_mve(int32x4_t acc, int32x4_t multiplier,
                                                                           int32x4_t shift, bool relu)
{
    const int32x4_t t = vqrdmulhq_s32(acc, multiplier);
    return vrshlq_s32(relu ? t : vaddq_s32(t, vshrq_n_s32(t, 31)), shift);
}

#else

#include "mcuq_requantize.h"

static inline int32_t mcuq_requantize_mve(int32_t acc, int32_t multiplier, int32_t shift, bool relu)
{
    const int32_t t = mcuq_doubling_high_multiply(acc, multiplier);
    const int64_t corrected = (int64_t)t + ((!relu && (t < 0)) ? -1 : 0);
    return (int32_t)((((corrected * 2) >> -shift) + 1) >> 1);
}

#endif

#endif
