/* Requantization: acc * multiplier * 2^(shift - 31), rounded to an integer, in the ways LiteRT rounds.
 *
 * multiplier is Q31 (0, or 2^30 .. 2^31 - 1), shift is -31 .. 30. The functions give the bytes of LiteRT's reference
 * kernels for every accumulator whose left-shifted value fits int32 (48 bits where sums are wide).
 * Cost on a Cortex-M4: about 8 cycles (double rounding), 6 cycles (single rounding).
 */
#ifndef MCUQ_REQUANTIZE_H
#define MCUQ_REQUANTIZE_H

#include <stdint.h>

/* round(value * multiplier / 2^31), half up. MISRA C:2012 10.1: right shifts of negative values here and below are
 * arithmetic on every compiler that mcuq supports. */
static inline int32_t mcuq_doubling_high_multiply(int32_t value, int32_t multiplier)
{
    const int64_t product = (int64_t)value * (int64_t)multiplier;
    return (int32_t)((product + ((int64_t)1 << 30)) >> 31);
}

/* round(value / 2^exponent), half away from zero; exponent is 0 .. 31. */
static inline int32_t mcuq_rounding_shift_right(int32_t value, int32_t exponent)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << (uint32_t)exponent) - 1U);
    const int32_t remainder = value & mask;
    const int32_t threshold = (mask >> 1) + ((value < 0) ? 1 : 0);
    return (value >> exponent) + ((remainder > threshold) ? 1 : 0);
}

/* Two roundings: LiteRT's CONV_2D, DEPTHWISE_CONV_2D and most element-wise operators. */
static inline int32_t mcuq_requantize_double(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t left = (shift > 0) ? shift : 0;
    const int32_t right = (shift > 0) ? 0 : -shift;
    const int32_t shifted = (int32_t)((uint32_t)acc << (uint32_t)left);
    return mcuq_rounding_shift_right(mcuq_doubling_high_multiply(shifted, multiplier), right);
}

/* One rounding, half up: LiteRT's FULLY_CONNECTED. */
static inline int32_t mcuq_requantize_single(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t total = 31 - shift;
    const int64_t product = (int64_t)acc * (int64_t)multiplier;
    return (int32_t)((product + ((int64_t)1 << (total - 1))) >> total);
}

/* A sum of up to 48 bits over int16 activations, by the upper half of the multiplier, rounded once, half up. The result
 * has to fit int32. */
static inline int32_t mcuq_requantize_wide(int64_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t upper = (multiplier < 0x7FFF0000) ? ((multiplier + (1 << 15)) >> 16) : 0x7FFF;
    const int32_t total = 15 - shift;
    return (int32_t)(((acc * upper) + ((int64_t)1 << (total - 1))) >> total);
}

static inline int32_t mcuq_clamp(int32_t value, int32_t low, int32_t high)
{
    const int32_t floored = (value < low) ? low : value;
    return (floored > high) ? high : floored;
}

#endif
