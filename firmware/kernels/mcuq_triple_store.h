/* Requantizes three sums of one channel, or two, and stores them, for cores without the DSP extension.
 *
 * Constants of a channel:
 *   line:          constant, multiplier              (constant + (sum * multiplier >> 20)) >> shift
 *   twice rounded: bias, multiplier, rounding, shift t = rounded high word of (bias + 2 * sum) * multiplier;
 *                                                    (t + (t < 0 ? -1 : 0) + rounding) >> shift
 * zero points included; then clamped. Both are proven to give LiteRT's bytes when code is generated
 * (mcuq/kernels/plain.py). The line's multiplier has 30 bits, its sums have 21 and a sign. Armv6-M, which has no long
 * multiplication, takes the multiplier ten bits at a time: shifts that round down one after another are one shift.
 *
 * Cost: 24 cycles an output on a Cortex-M0, 17 on a Cortex-M3; twice rounded about 60 and 25.
 */
#ifndef MCUQ_TRIPLE_STORE_H
#define MCUQ_TRIPLE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_high_multiply.h"

typedef struct {
    int32_t shift; /* the line's */
    bool twice;    /* two roundings, else a line */
    bool clamped;  /* the activation's range is narrower than int8 */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_triple_requantize;

/* Bytes from the first output to the second and the third; 0 for one that is not wanted. */
typedef struct {
    int32_t second;
    int32_t third;
} mcuq_triple_steps;

static inline int32_t mcuq_triple_constants(const mcuq_triple_requantize *requantize)
{
    return requantize->twice ? 4 : 2;
}

static inline bool mcuq_triple_is_line(const mcuq_triple_requantize *requantize)
{
    return (!requantize->twice) && (!requantize->clamped);
}

/* Requantizes sums of the channel that `constants` are for, in any way. mcuq_triple_store_line is quicker, for a line
 * without a clamp of its own. */
void mcuq_triple_store_any(const mcuq_triple_requantize *requantize, const mcuq_triple_steps *steps,
                           const int32_t *constants, const int32_t sums[3], int8_t *out);

#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

#define MCUQ_TRIPLE_FACTORS                                                                                            \
    ".syntax unified\n\t"                                                                                              \
    "lsls %[m0], %[m2], #22\n\t"                                                                                       \
    "lsrs %[m0], %[m0], #22\n\t"                                                                                       \
    "lsls %[m1], %[m2], #12\n\t"                                                                                       \
    "lsrs %[m1], %[m1], #22\n\t"                                                                                       \
    "lsrs %[m2], %[m2], #20\n\t"
#define MCUQ_TRIPLE_VALUE(value)                                                                                       \
    "movs %[t0], %[" value "]\n\t"                                                                                     \
    "muls %[t0], %[m0], %[t0]\n\t"                                                                                     \
    "movs %[t1], %[" value "]\n\t"                                                                                     \
    "muls %[t1], %[m1], %[t1]\n\t"                                                                                     \
    "asrs %[t0], %[t0], #10\n\t"                                                                                       \
    "adds %[t0], %[t0], %[t1]\n\t"                                                                                     \
    "asrs %[t0], %[t0], #10\n\t"                                                                                       \
    "muls %[" value "], %[m2], %[" value "]\n\t"                                                                       \
    "adds %[" value "], %[" value "], %[t0]\n\t"                                                                       \
    "add %[" value "], %[" value "], %[constant]\n\t"                                                                  \
    "mov %[t1], %[shift]\n\t"                                                                                          \
    "asrs %[" value "], %[" value "], %[t1]\n\t"                                                                       \
    "sxtb %[t0], %[" value "]\n\t"                                                                                     \
    "cmp %[t0], %[" value "]\n\t"                                                                                      \
    "beq 1f\n\t"                                                                                                       \
    "asrs %[" value "], %[" value "], #31\n\t"                                                                         \
    "movs %[t0], #127\n\t"                                                                                             \
    "eors %[" value "], %[" value "], %[t0]\n"                                                                         \
    "1:\n\t"                                                                                                           \
    "mov %[t1], %[out]\n\t"
#define MCUQ_TRIPLE_PUT(value, offset)                                                                                 \
    "mov %[t0], %[" offset "]\n\t"                                                                                     \
    "strb %[" value "], [%[t1], %[t0]]\n\t"

static inline void mcuq_triple_store_line(int32_t shift, mcuq_triple_steps steps, const int32_t *constants, int32_t s0,
                                          int32_t s1, int32_t s2, int8_t *out)
{
    uint32_t m2 = (uint32_t)constants[1];
    uint32_t m1;
    uint32_t m0;
    uint32_t t0;
    uint32_t t1;
    __asm__ volatile(MCUQ_TRIPLE_FACTORS MCUQ_TRIPLE_VALUE("s2") MCUQ_TRIPLE_PUT("s2", "third")
                         MCUQ_TRIPLE_VALUE("s1") MCUQ_TRIPLE_PUT("s1", "second") MCUQ_TRIPLE_VALUE("s0")
                     "strb %[s0], [%[t1]]\n\t"
                     : [s0] "+&l"(s0), [s1] "+&l"(s1), [s2] "+&l"(s2), [m2] "+&l"(m2), [m1] "=&l"(m1), [m0] "=&l"(m0),
                       [t0] "=&l"(t0), [t1] "=&l"(t1)
                     : [shift] "h"(shift), [out] "h"(out), [second] "h"(steps.second), [third] "h"(steps.third),
                       [constant] "h"(constants[0])
                     : "cc", "memory");
}

static inline void mcuq_pair_store_line(int32_t shift, int32_t second, const int32_t *constants, int32_t s0, int32_t s1,
                                        int8_t *out)
{
    uint32_t m2 = (uint32_t)constants[1];
    uint32_t m1;
    uint32_t m0;
    uint32_t t0;
    uint32_t t1;
    __asm__ volatile(MCUQ_TRIPLE_FACTORS MCUQ_TRIPLE_VALUE("s1") MCUQ_TRIPLE_PUT("s1", "second") MCUQ_TRIPLE_VALUE("s0")
                     "strb %[s0], [%[t1]]\n\t"
                     : [s0] "+&l"(s0), [s1] "+&l"(s1), [m2] "+&l"(m2), [m1] "=&l"(m1), [m0] "=&l"(m0), [t0] "=&l"(t0),
                       [t1] "=&l"(t1)
                     : [shift] "h"(shift), [out] "h"(out), [second] "h"(second), [constant] "h"(constants[0])
                     : "cc", "memory");
}

#else

static inline int8_t mcuq_triple_line(int32_t shift, const int32_t *constants, int32_t sum)
{
    return (int8_t)mcuq_saturated_int8((constants[0] + mcuq_multiply_shift_20(sum, constants[1])) >> shift);
}

/* The first is stored last: steps of 0 lead to it. */
static inline void mcuq_triple_store_line(int32_t shift, mcuq_triple_steps steps, const int32_t *constants, int32_t s0,
                                          int32_t s1, int32_t s2, int8_t *out)
{
    out[steps.third] = mcuq_triple_line(shift, constants, s2);
    out[steps.second] = mcuq_triple_line(shift, constants, s1);
    out[0] = mcuq_triple_line(shift, constants, s0);
}

static inline void mcuq_pair_store_line(int32_t shift, int32_t second, const int32_t *constants, int32_t s0, int32_t s1,
                                        int8_t *out)
{
    out[second] = mcuq_triple_line(shift, constants, s1);
    out[0] = mcuq_triple_line(shift, constants, s0);
}

#endif

#endif
