/* Logistic function and hyperbolic tangent of 16-bit fixed-point numbers: the bits of LiteRT's integer LSTM.
 *
 * An argument has some integer bits (0 to 4) and 15 less fractional ones, a result none and 15. exp comes from a polynomial
 * for the last quarter below zero and a factor for each power of two of the rest; the division takes three steps of
 * Newton's. Numbers are kept in int32_t; where LiteRT's wrap or saturate at 16 bits, so do they.
 * Cost: about 150 instructions on a Cortex-M4.
 */
#ifndef MCUQ_FIXED_16_H
#define MCUQ_FIXED_16_H

#include <stdint.h>

#define MCUQ_FIXED_16_ONE 32767 /* the number one, without integer bits */

static inline int32_t mcuq_saturate_16(int32_t value)
{
    const int32_t floored = (value < INT16_MIN) ? INT16_MIN : value;
    return (floored > INT16_MAX) ? INT16_MAX : floored;
}

/* round(first * second / 2^15), half up, saturated; shifts of negative values are arithmetic (see mcuq_requantize.h). */
static inline int32_t mcuq_high_multiply_16(int32_t first, int32_t second)
{
    return mcuq_saturate_16(((first * second) + (1 << 14)) >> 15);
}

/* exp(a) for a <= 0 with integer_bits (0 to 5). */
static inline int32_t mcuq_exp_of_negative_16(int32_t a, int32_t integer_bits)
{
    /* exp(-2^n) from n = -2 on */
    static const int16_t powers[7] = {25520, 19875, 12055, 4435, 600, 11, 0};
    const int32_t fraction = 15 - integer_bits;
    const int32_t quarter = 1 << (fraction - 2);
    const int32_t last = (a & (quarter - 1)) - quarter; /* a modulo a quarter, less a quarter */
    const int32_t x = (last * (1 << integer_bits)) + (1 << 12);
    const int32_t x2 = mcuq_high_multiply_16(x, x);
    const int32_t x3 = mcuq_high_multiply_16(x2, x);
    const int32_t x4 = mcuq_high_multiply_16(x2, x2);
    /* x4 and the sum below are not negative, so adding half before the shift rounds half away from zero */
    const int32_t sum = mcuq_high_multiply_16(((x4 + 2) >> 2) + x3, 10923) + x2;
    const int32_t rest = (sum + 1) >> 1;
    int32_t result = mcuq_saturate_16(28918 + mcuq_high_multiply_16(28918, x + rest));
    const int32_t remainder = last - a;
    for (int32_t power = 0; power < (integer_bits + 2); power++) {
        if ((remainder & (1 << (fraction + power - 2))) != 0) {
            result = mcuq_high_multiply_16(result, powers[power]);
        }
    }
    return (a == 0) ? MCUQ_FIXED_16_ONE : result;
}

/* 2 / (1 + a) with two integer bits, for a in 0 .. 1 */
static inline int32_t mcuq_twice_reciprocal_16(int32_t a)
{
    const int32_t half = (a + MCUQ_FIXED_16_ONE + 1) / 2;
    int32_t x = 23130 + mcuq_high_multiply_16(half, -15420);
    for (int32_t step = 0; step < 3; step++) {
        const int32_t error = (1 << 13) - mcuq_high_multiply_16(half, x);
        x += mcuq_saturate_16(mcuq_high_multiply_16(x, error) * 4);
    }
    return x;
}

static inline int32_t mcuq_tanh_16(int32_t a, int32_t integer_bits)
{
    const int32_t exponent = mcuq_exp_of_negative_16((a < 0) ? a : -a, integer_bits + 1);
    const int32_t size = mcuq_saturate_16((mcuq_twice_reciprocal_16(exponent) - (1 << 13)) * 4);
    const int32_t result = (a < 0) ? -size : size;
    return (a == 0) ? 0 : result;
}

/* of an argument with three integer bits */
static inline int32_t mcuq_logistic_16(int32_t a)
{
    const int32_t exponent = mcuq_exp_of_negative_16((a < 0) ? a : -a, 3);
    const int32_t positive = mcuq_saturate_16(mcuq_twice_reciprocal_16(exponent) * 2);
    const int32_t result = (a < 0) ? (MCUQ_FIXED_16_ONE - positive) : positive;
    return (a == 0) ? (1 << 14) : result;
}

#endif
