/* Requantizes three sums of one channel and stores them, for cores without the DSP extension.
 *
 * Constants of a channel:
 *   affine:        bias, multiplier                  t = high(bias + (acc << left_shift)); t >> right_shift
 *   twice rounded: bias, multiplier, rounding, shift t = rounded high; (t + (t < 0 ? -1 : 0) + rounding) >> shift
 * with high as in mcuq_high_multiply.h, zero points included; then clamped. Both are proven to give LiteRT's bytes when
 * code is generated (mcuq/kernels/plain.py, fast_requantize.py).
 */
#ifndef MCUQ_TRIPLE_STORE_H
#define MCUQ_TRIPLE_STORE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int32_t left_shift; /* 1 when twice rounded */
    int32_t right_shift;
    bool twice;   /* two roundings, else affine */
    bool clamped; /* the activation's range is narrower than int8 */
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

void mcuq_triple_store(const mcuq_triple_requantize *requantize, const mcuq_triple_steps *steps,
                       const int32_t *constants, const int32_t sums[3], int8_t *out);

#endif
