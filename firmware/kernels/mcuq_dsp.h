/* The DSP instructions of Armv7E-M and Armv8-M that mcuq's kernels use, one static inline function each.
 *
 * With the DSP extension each is one instruction; elsewhere (the host, for tests under sanitizers) it is C of the same
 * result. A word holds two int16, element 0 in the low half, or four int8, element 0 in the lowest byte. Sums wrap
 * around as the instructions do; the callers prove that no final value does.
 * Source: Armv7-M Architecture Reference Manual, section A7.7. Cost on a Cortex-M4: 1 cycle each.
 */
#ifndef MCUQ_DSP_H
#define MCUQ_DSP_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1)
#define MCUQ_HAS_DSP 1
#else
#define MCUQ_HAS_DSP 0
#endif

/* A word from any address: LDR. Cores with the DSP extension read words that are not aligned. */
static inline uint32_t mcuq_load_word(const void *address)
{
    uint32_t word;
    (void)memcpy(&word, address, sizeof word);
    return word;
}

static inline void mcuq_store_word(void *address, uint32_t word)
{
    (void)memcpy(address, &word, sizeof word);
}

/* Wrap-around arithmetic on int32, which plain C leaves undefined. */
static inline int32_t mcuq_wrapping_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t mcuq_wrapping_subtract(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

static inline int32_t mcuq_wrapping_shift_left(int32_t a, uint32_t bits)
{
    return (int32_t)((uint32_t)a << bits);
}

#if MCUQ_HAS_DSP

/* (int16) byte 0, (int16) byte 2. */
static inline uint32_t mcuq_sxtb16(uint32_t bytes)
{
    uint32_t halves;
    __asm__("sxtb16 %0, %1" : "=r"(halves) : "r"(bytes));
    return halves;
}

/* (int16) byte 1, (int16) byte 3. */
static inline uint32_t mcuq_sxtb16_odd(uint32_t bytes)
{
    uint32_t halves;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(bytes));
    return halves;
}

/* Element 0 of low, element 0 of high. */
static inline uint32_t mcuq_pack_bottoms(uint32_t low, uint32_t high)
{
    uint32_t halves;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(halves) : "r"(low), "r"(high));
    return halves;
}

/* Element 1 of low, element 1 of high. */
static inline uint32_t mcuq_pack_tops(uint32_t low, uint32_t high)
{
    uint32_t halves;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(halves) : "r"(high), "r"(low));
    return halves;
}

/* sum + a[0] * b[0] + a[1] * b[1]. */
static inline int32_t mcuq_smlad(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* The upper 32 bits of a * b, rounded down. */
static inline int32_t mcuq_smmul(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmul %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* The upper 32 bits of a * b, rounded half up. */
static inline int32_t mcuq_smmulr(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* sum + the upper 32 bits of a * b, rounded down. */
static inline int32_t mcuq_smmla(int32_t a, int32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* a - b, element by element, modulo 2^16. */
static inline uint32_t mcuq_ssub16(uint32_t a, uint32_t b)
{
    uint32_t differences;
    __asm__("ssub16 %0, %1, %2" : "=r"(differences) : "r"(a), "r"(b) : "cc");
    return differences;
}

/* value clamped to -128 .. 127. */
static inline int32_t mcuq_saturate_int8(int32_t value)
{
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value) : "cc");
    return result;
}

/* value >> shift, clamped to -128 .. 127; shift is a literal, 1 .. 31. */
static inline __attribute__((always_inline)) int32_t mcuq_shift_saturate_int8(int32_t value, const uint32_t shift)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr %2" : "=r"(result) : "r"(value), "i"(shift) : "cc");
    return result;
}

/* sum + a[0] * b[0], and so on: b is element 0 and t element 1, of a and of b. */
static inline int32_t mcuq_smlabb(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

static inline int32_t mcuq_smlatt(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

static inline int32_t mcuq_smlabt(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

static inline int32_t mcuq_smlatb(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + (a * b[0] >> 16), and sum + (a * b[1] >> 16), rounded down. */
static inline int32_t mcuq_smlawb(int32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlawb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

static inline int32_t mcuq_smlawt(int32_t a, uint32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smlawt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* halves with bytes 0 and 2, or 1 and 3, of bytes added: element by element, int16. */
static inline uint32_t mcuq_sxtab16(uint32_t halves, uint32_t bytes)
{
    uint32_t sums;
    __asm__("sxtab16 %0, %1, %2" : "=r"(sums) : "r"(halves), "r"(bytes));
    return sums;
}

static inline uint32_t mcuq_sxtab16_odd(uint32_t halves, uint32_t bytes)
{
    uint32_t sums;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sums) : "r"(halves), "r"(bytes));
    return sums;
}

/* a + b and a - b, element by element, int16. */
static inline uint32_t mcuq_add_int16x2(uint32_t a, uint32_t b)
{
    uint32_t sums;
    __asm__("sadd16 %0, %1, %2" : "=r"(sums) : "r"(a), "r"(b) : "cc");
    return sums;
}

static inline uint32_t mcuq_subtract_int16x2(uint32_t a, uint32_t b)
{
    uint32_t differences;
    __asm__("ssub16 %0, %1, %2" : "=r"(differences) : "r"(a), "r"(b) : "cc");
    return differences;
}

/* The greater, and the lesser, of four pairs of int8: SSUB8 leaves in the GE flags which is which, SEL chooses. */
static inline uint32_t mcuq_max_int8x4(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b) : "cc");
    return result;
}

static inline uint32_t mcuq_min_int8x4(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(result) : "r"(a), "r"(b) : "cc");
    return result;
}

#else

static inline int32_t mcuq_half(uint32_t halves, uint32_t element)
{
    return (int32_t)(int16_t)(uint16_t)(halves >> (16U * element));
}

static inline uint32_t mcuq_sxtb16(uint32_t bytes)
{
    const uint32_t low = (uint32_t)(int32_t)(int8_t)(uint8_t)bytes;
    const uint32_t high = (uint32_t)(int32_t)(int8_t)(uint8_t)(bytes >> 16);
    return (low & 0xffffU) | (high << 16);
}

static inline uint32_t mcuq_sxtb16_odd(uint32_t bytes)
{
    return mcuq_sxtb16(bytes >> 8);
}

static inline uint32_t mcuq_pack_bottoms(uint32_t low, uint32_t high)
{
    return (low & 0xffffU) | (high << 16);
}

static inline uint32_t mcuq_pack_tops(uint32_t low, uint32_t high)
{
    return (low >> 16) | (high & 0xffff0000U);
}

static inline int32_t mcuq_smlad(uint32_t a, uint32_t b, int32_t sum)
{
    const int32_t product0 = mcuq_half(a, 0U) * mcuq_half(b, 0U);
    const int32_t product1 = mcuq_half(a, 1U) * mcuq_half(b, 1U);
    return mcuq_wrapping_add(mcuq_wrapping_add(sum, product0), product1);
}

/* MISRA C:2012 10.1: right shifts of negative values are arithmetic on every compiler that mcuq supports. */
static inline int32_t mcuq_smmul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * (int64_t)b) >> 32);
}

static inline int32_t mcuq_smmulr(int32_t a, int32_t b)
{
    return (int32_t)((((int64_t)a * (int64_t)b) + ((int64_t)1 << 31)) >> 32);
}

static inline int32_t mcuq_smmla(int32_t a, int32_t b, int32_t sum)
{
    return mcuq_wrapping_add(sum, mcuq_smmul(a, b));
}

static inline uint32_t mcuq_ssub16(uint32_t a, uint32_t b)
{
    return ((a - b) & 0xffffU) | ((a & 0xffff0000U) - (b & 0xffff0000U));
}

static inline int32_t mcuq_saturate_int8(int32_t value)
{
    const int32_t floored = (value < -128) ? -128 : value;
    return (floored > 127) ? 127 : floored;
}

static inline int32_t mcuq_shift_saturate_int8(int32_t value, const uint32_t shift)
{
    return mcuq_saturate_int8(value >> shift);
}

static inline int32_t mcuq_smlabb(uint32_t a, uint32_t b, int32_t sum)
{
    return mcuq_wrapping_add(sum, mcuq_half(a, 0U) * mcuq_half(b, 0U));
}

static inline int32_t mcuq_smlatt(uint32_t a, uint32_t b, int32_t sum)
{
    return mcuq_wrapping_add(sum, mcuq_half(a, 1U) * mcuq_half(b, 1U));
}

static inline int32_t mcuq_smlabt(uint32_t a, uint32_t b, int32_t sum)
{
    return mcuq_wrapping_add(sum, mcuq_half(a, 0U) * mcuq_half(b, 1U));
}

static inline int32_t mcuq_smlatb(uint32_t a, uint32_t b, int32_t sum)
{
    return mcuq_wrapping_add(sum, mcuq_half(a, 1U) * mcuq_half(b, 0U));
}

static inline int32_t mcuq_smlawb(int32_t a, uint32_t b, int32_t sum)
{
    return mcuq_wrapping_add(sum, (int32_t)(((int64_t)a * (int64_t)mcuq_half(b, 0U)) >> 16));
}

static inline int32_t mcuq_smlawt(int32_t a, uint32_t b, int32_t sum)
{
    return mcuq_wrapping_add(sum, (int32_t)(((int64_t)a * (int64_t)mcuq_half(b, 1U)) >> 16));
}

static inline uint32_t mcuq_sxtab16(uint32_t halves, uint32_t bytes)
{
    const uint32_t widened = mcuq_sxtb16(bytes);
    return ((halves + widened) & 0xffffU) | ((halves & 0xffff0000U) + (widened & 0xffff0000U));
}

static inline uint32_t mcuq_sxtab16_odd(uint32_t halves, uint32_t bytes)
{
    return mcuq_sxtab16(halves, bytes >> 8);
}

static inline uint32_t mcuq_add_int16x2(uint32_t a, uint32_t b)
{
    return ((a + b) & 0xffffU) | ((a & 0xffff0000U) + (b & 0xffff0000U));
}

static inline uint32_t mcuq_subtract_int16x2(uint32_t a, uint32_t b)
{
    return ((a - b) & 0xffffU) | ((a & 0xffff0000U) - (b & 0xffff0000U));
}

static inline uint32_t mcuq_choose_int8x4(uint32_t a, uint32_t b, int32_t sign)
{
    uint32_t result = 0U;
    for (uint32_t i = 0U; i < 32U; i += 8U) {
        const int32_t x = (int32_t)(int8_t)(uint8_t)(a >> i);
        const int32_t y = (int32_t)(int8_t)(uint8_t)(b >> i);
        result |= (uint32_t)(uint8_t)(((sign * (x - y)) >= 0) ? x : y) << i;
    }
    return result;
}

static inline uint32_t mcuq_max_int8x4(uint32_t a, uint32_t b)
{
    return mcuq_choose_int8x4(a, b, 1);
}

static inline uint32_t mcuq_min_int8x4(uint32_t a, uint32_t b)
{
    return mcuq_choose_int8x4(a, b, -1);
}

#endif
#endif
