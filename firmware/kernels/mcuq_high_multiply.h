/* The high word of a product, and saturation, for cores without the DSP extension.
 *
 * mcuq_high_multiply_rounded: (a * b + 2^31) >> 32
 * b, the factor, is not negative. Armv6-M has no long multiplication, and its library call takes 40 cycles and more:
 * here four products of halves are added up, in about 18 cycles on a Cortex-M0. On a Cortex-M3 each is SMULL, 3 to 5
 * cycles.
 */
#ifndef MCUQ_HIGH_MULTIPLY_H
#define MCUQ_HIGH_MULTIPLY_H

#include <stdint.h>

#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

/* A factor in halves. */
typedef struct {
    uint32_t low;
    int32_t high;
} mcuq_factor;

static inline mcuq_factor mcuq_factor_of(int32_t value)
{
    const mcuq_factor factor = {(uint32_t)value & 0xffffU, value >> 16};
    return factor;
}

/* With a in halves too, no sum below leaves 32 bits: the middle one is at most (2^15 - 1) * (2^16 - 1) + 2^16 - 1 + 2^15.
 * MISRA C:2012 10.1: right shifts of negative values are arithmetic on every compiler that mcuq supports. */
static inline int32_t mcuq_high_multiply_biased(int32_t a, mcuq_factor b, int32_t half)
{
    const uint32_t al = (uint32_t)a & 0xffffU;
    const int32_t ah = a >> 16;
    const uint32_t low = (al * (uint32_t)b.high) + ((al * b.low) >> 16U);
    const int32_t middle = (ah * (int32_t)b.low) + (int32_t)(low & 0xffffU);
    return (ah * b.high) + (int32_t)(low >> 16U) + ((middle + half) >> 16);
}


static inline int32_t mcuq_high_multiply_rounded(int32_t a, mcuq_factor b)
{
    return mcuq_high_multiply_biased(a, b, 1 << 15);
}

/* value * multiplier >> 20, for values below 2^21 in magnitude and multipliers below 2^30, ten bits at a time: shifts
 * that round down one after another are one shift. */
static inline int32_t mcuq_multiply_shift_20(int32_t value, int32_t multiplier)
{
    const int32_t low = (value * (multiplier & 0x3ff)) >> 10;
    const int32_t middle = (low + (value * ((multiplier >> 10) & 0x3ff))) >> 10;
    return middle + (value * (multiplier >> 20));
}

#else

typedef int32_t mcuq_factor;

static inline mcuq_factor mcuq_factor_of(int32_t value)
{
    return value;
}


static inline int32_t mcuq_high_multiply_rounded(int32_t a, mcuq_factor b)
{
    return (int32_t)((((int64_t)a * (int64_t)b) + ((int64_t)1 << 31)) >> 32);
}

static inline int32_t mcuq_multiply_shift_20(int32_t value, int32_t multiplier)
{
    return (int32_t)(((int64_t)value * (int64_t)multiplier) >> 20);
}

#endif

/* value in -128 .. 127. */
static inline int32_t mcuq_saturated_int8(int32_t value)
{
#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 2)
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value) : "cc");
    return result;
#else
    /* Most values are inside, which takes three cycles. */
    int32_t result = (int32_t)(int8_t)(uint8_t)((uint32_t)value & 0xffU);
    if (result != value) {
        result = (value >> 31) ^ INT8_MAX;
    }
    return result;
#endif
}

#endif
