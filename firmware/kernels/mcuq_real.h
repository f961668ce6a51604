/* Functions of real numbers in double precision, from additions, products and quotients alone, which IEEE 754 rounds the
 * same everywhere: the same bits on every core, with and without an FPU, and on the host.
 *
 * Rounded to float they are the nearest float but for about one argument in a thousand, then its neighbour.
 * Not a number stays one. Stack: none to speak of. Cost: exp and expm1 about 18 operations, log 25, tanh 22.
 */
#ifndef MCUQ_REAL_H
#define MCUQ_REAL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The square root, correctly rounded: the FPU's, or 25 binary digits and their half by whole numbers. */
static inline float mcuq_real_sqrt(float x)
{
#if defined(__ARM_FP)
    return __builtin_sqrtf(x);
#else
    if (!(x > 0.0F) || isinf(x)) {
        return (x < 0.0F) ? NAN : x;
    }
    uint32_t bits;
    (void)memcpy(&bits, &x, sizeof bits);
    int32_t exponent = (int32_t)(bits >> 23) - 150;
    uint64_t mantissa = bits & 0x7FFFFFU;
    if (exponent == -150) {
        exponent = -149;
    } else {
        mantissa |= 0x800000U;
    }
    while (mantissa < 0x800000U) {
        mantissa <<= 1;
        exponent--;
    }
    if ((exponent & 1) == 0) {
        mantissa <<= 1;
        exponent--;
    }
    const uint64_t square = mantissa << 25; /* 2^48 .. 2^50; its root has 25 digits */
    uint64_t root = 0;
    for (uint64_t digit = (uint64_t)1 << 24; digit != 0U; digit >>= 1) {
        const uint64_t tried = root | digit;
        root = ((tried * tried) <= square) ? tried : root;
    }
    const int32_t place = ((exponent - 25) / 2) + 24; /* of the leading digit */
    const uint32_t found = ((uint32_t)(place + 126) << 23) + (uint32_t)((root + 1U) >> 1); /* its leading digit adds 1 */
    float result;
    (void)memcpy(&result, &found, sizeof result);
    return result;
#endif
}

#define MCUQ_LOG_2 0.6931471805599453
#define MCUQ_EIGHTH 0.08664339756999316 /* log(2) / 8 */

/* x = k log(2)/8 + r with |r| at most log(2)/16. */
typedef struct {
    int32_t k;
    double minus_one; /* exp(r) - 1 */
} mcuq_real_reduced;

static inline mcuq_real_reduced mcuq_real_reduce(double x)
{
    const double steps = x / MCUQ_EIGHTH;
    const int32_t k = (int32_t)(steps + ((steps < 0.0) ? -0.5 : 0.5));
    const double r = x - ((double)k * MCUQ_EIGHTH);
    double sum = 1.0 / 720.0;
    sum = (sum * r) + (1.0 / 120.0);
    sum = (sum * r) + (1.0 / 24.0);
    sum = (sum * r) + (1.0 / 6.0);
    sum = (sum * r) + 0.5;
    sum = (sum * r) + 1.0;
    const mcuq_real_reduced found = {k, sum * r};
    return found;
}

/* exp(x) = 2^(k/8) (1 + minus_one), for k/8 within the exponents of a double. */
static inline double mcuq_real_scaled(mcuq_real_reduced x)
{
    static const double powers[8] = {1.0,
                                     1.0905077326652577,
                                     1.189207115002721,
                                     1.2968395546510096,
                                     1.4142135623730951,
                                     1.5422108254079407,
                                     1.681792830507429,
                                     1.8340080864093424};
    const int32_t part = (int32_t)((uint32_t)x.k & 7U);
    const double power = powers[part];
    const uint64_t bits = (uint64_t)(int64_t)(((x.k - part) / 8) + 1023) << 52;
    double whole;
    (void)memcpy(&whole, &bits, sizeof whole);
    return (power + (power * x.minus_one)) * whole;
}

/* Beyond these a float is 0 or infinite. */
static inline double mcuq_real_within(double x)
{
    return (x < -110.0) ? -110.0 : ((x > 90.0) ? 90.0 : x);
}

static inline double mcuq_real_exp(double x)
{
    return isnan(x) ? x : mcuq_real_scaled(mcuq_real_reduce(mcuq_real_within(x)));
}

/* exp(x) - 1, exact also near 0. */
static inline double mcuq_real_expm1(double x)
{
    if (isnan(x)) {
        return x;
    }
    const mcuq_real_reduced reduced = mcuq_real_reduce(mcuq_real_within(x));
    return (reduced.k == 0) ? reduced.minus_one : (mcuq_real_scaled(reduced) - 1.0);
}

static inline double mcuq_real_log(double x)
{
    if (isnan(x) || (x <= 0.0) || isinf(x)) {
        return (x == 0.0) ? -(double)INFINITY : ((x < 0.0) ? (double)NAN : x);
    }
    uint64_t bits;
    (void)memcpy(&bits, &x, sizeof bits);
    int32_t k = (int32_t)(uint32_t)(bits >> 52) - 1022;
    bits = (bits & 0x000FFFFFFFFFFFFFU) | 0x3FE0000000000000U;
    double m; /* 1/2 .. 1 */
    (void)memcpy(&m, &bits, sizeof m);
    if (m < 0.7071067811865476) {
        m *= 2.0;
        k--;
    }
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    double sum = 1.0 / 15.0;
    sum = (sum * z) + (1.0 / 13.0);
    sum = (sum * z) + (1.0 / 11.0);
    sum = (sum * z) + (1.0 / 9.0);
    sum = (sum * z) + (1.0 / 7.0);
    sum = (sum * z) + (1.0 / 5.0);
    sum = (sum * z) + (1.0 / 3.0);
    return ((double)k * MCUQ_LOG_2) + (2.0 * (s + (s * z * sum)));
}

static inline double mcuq_real_tanh(double x)
{
    const double twice = 2.0 * x;
    const double m = mcuq_real_expm1((twice < -40.0) ? -40.0 : ((twice > 40.0) ? 40.0 : twice));
    return m / (m + 2.0);
}

/* exp(x^2) erfc(x) / t by powers of 2t - 1, t = 2 / (2 + x), fitted: off by less than 2^-31. */
static inline double mcuq_real_erfc(double x)
{
    static const double terms[15] = {1.474566159990204e-06,  2.665629412800452e-06,   -1.3670691446457942e-05,
                                     -9.986588683211585e-06, 7.478451982873815e-05,   -2.2132615461416966e-05,
                                     -0.00033293655038163527, 0.0004205317674620203,  0.001545738843077523,
                                     -0.003239963287169517,  -0.010755397576956803,   0.01822114789555631,
                                     0.13973605020909569,    0.3435803414076526,      0.51079135258281};
    if (isnan(x)) {
        return x;
    }
    const double size = (x < 0.0) ? -x : x;
    const double t = 2.0 / (2.0 + size);
    const double u = (2.0 * t) - 1.0;
    double sum = terms[0];
    for (int32_t i = 1; i < 15; i++) {
        sum = (sum * u) + terms[i];
    }
    const double found = mcuq_real_exp(-(size * size)) * (t * sum);
    return (x < 0.0) ? (2.0 - found) : found;
}

/* x = (4n + quadrant) pi/2 + rest, |rest| at most pi/4. */
typedef struct {
    int32_t quadrant;
    double rest;
} mcuq_real_angle;

/* Of a float that is at least 2^20: its 24 digits times those of 2/pi that count modulo 4. */
static inline mcuq_real_angle mcuq_real_far_angle(double x)
{
    static const uint32_t two_over_pi[7] = {0x517CC1B7U, 0x27220A94U, 0xFE13ABE8U, 0xFA9A6EE0U,
                                            0x6DB14ACCU, 0x9E21C820U, 0xFF28B1D5U};
    uint64_t bits;
    (void)memcpy(&bits, &x, sizeof bits);
    const uint64_t number = ((bits >> 29) & 0x7FFFFFU) | 0x800000U;
    const int32_t first = (int32_t)(uint32_t)(bits >> 52) - 1047; /* the first digit that counts, from -4 on */
    uint32_t digits[3];
    for (int32_t i = 0; i < 3; i++) {
        const int32_t place = first + (32 * i);
        const int32_t word = (place + 32) / 32 - 1;
        const uint32_t shift = (uint32_t)place & 31U;
        const uint32_t high = (word < 0) ? 0U : two_over_pi[word];
        const uint32_t low = (word < 6) ? two_over_pi[word + 1] : 0U;
        digits[i] = (shift == 0U) ? high : ((high << shift) | (low >> (32U - shift)));
    }
    const uint64_t upper = ((uint64_t)digits[0] << 32) | digits[1];
    const uint64_t product = (number * upper) + ((number * digits[2]) >> 32);
    const uint64_t quadrant = (product + ((uint64_t)1 << 61)) >> 62;
    const int64_t rest = (int64_t)(product - (quadrant << 62));
    const mcuq_real_angle found = {(int32_t)quadrant, (double)rest * (1.5707963267948966 / 4611686018427387904.0)};
    return found;
}

static inline mcuq_real_angle mcuq_real_reduce_angle(double x)
{
    const double size = (x < 0.0) ? -x : x;
    if (size >= 1048576.0) {
        mcuq_real_angle found = mcuq_real_far_angle(size);
        if (x < 0.0) {
            found.quadrant = -found.quadrant;
            found.rest = -found.rest;
        }
        return found;
    }
    const double steps = x * 0.6366197723675814;
    const int32_t k = (int32_t)(steps + ((steps < 0.0) ? -0.5 : 0.5));
    const mcuq_real_angle found = {k, (x - ((double)k * 1.5707963267341256)) - ((double)k * 6.077100506506192e-11)};
    return found;
}

/* The sine of x, a float, plus `ahead` times pi/2. */
static inline double mcuq_real_wave(double x, int32_t ahead)
{
    if (isnan(x) || isinf(x)) {
        return (double)NAN;
    }
    const mcuq_real_angle angle = mcuq_real_reduce_angle(x);
    const uint32_t quadrant = (uint32_t)(angle.quadrant + ahead) & 3U;
    const double r = angle.rest;
    const double z = r * r;
    double found;
    if ((quadrant & 1U) != 0U) {
        double sum = -1.0 / 87178291200.0;
        sum = (sum * z) + (1.0 / 479001600.0);
        sum = (sum * z) + (-1.0 / 3628800.0);
        sum = (sum * z) + (1.0 / 40320.0);
        sum = (sum * z) + (-1.0 / 720.0);
        sum = (sum * z) + (1.0 / 24.0);
        sum = (sum * z) + -0.5;
        found = 1.0 + (z * sum);
    } else {
        double sum = 1.0 / 6227020800.0;
        sum = (sum * z) + (-1.0 / 39916800.0);
        sum = (sum * z) + (1.0 / 362880.0);
        sum = (sum * z) + (-1.0 / 5040.0);
        sum = (sum * z) + (1.0 / 120.0);
        sum = (sum * z) + (-1.0 / 6.0);
        found = r + ((r * z) * sum);
    }
    return ((quadrant & 2U) != 0U) ? -found : found;
}

/* x to the power of y, both floats, where there is a result. */
static inline double mcuq_real_power(double x, double y)
{
    if ((y == 0.0) || (x == 1.0)) {
        return 1.0;
    }
    const double size = (x < 0.0) ? -x : x;
    const double most = (y < 0.0) ? -y : y;
    const bool small = most < 16777216.0; /* greater floats are even */
    const bool whole = !small || ((double)(int32_t)y == y);
    const bool odd = small && whole && (((uint32_t)(int32_t)y & 1U) != 0U);
    if ((x < 0.0) && !whole && !isinf(x)) {
        return (double)NAN;
    }
    const double found = (size == 1.0) ? 1.0 : mcuq_real_exp(y * mcuq_real_log(size));
    return ((signbit(x) != 0) && odd) ? -found : found;
}

#endif
