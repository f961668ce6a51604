/* Three int8 values in two words, for cores without the DSP extension: two multiplications make three products.
 *
 * Values x0, x1, x2 of three pixels are packed as a = x0 + 2^21 x1 and b = x2 + 2^11 x1. Sums of w * a and w * b over
 * any number of weights, modulo 2^32, hold the three sums S of w * x: S0 in the low 21 bits of the first, S2 in the low
 * 22 bits of the second once the low 11 bits of S1, which the first holds too, are taken away. Exact while
 * -2^20 <= S < 2^20, which is proven from the weights when code is generated (mcuq/kernels/triples.py); longer sums are
 * made of several parts.
 *
 * Four weights lie in one word, those of four output channels for one tap, each plus 128. The word shifted right by
 * 8 k is multiplied as it is: with h_k = word >> 8 k, sum of h_k x - 256 * (sum of h_(k+1) x) is the sum of
 * (w_k + 128) x. So a weight costs one shift, which also is the copy that Armv6-M's MULS overwrites.
 *
 * Cost: 28.5 cycles on a Cortex-M0, 25 on a Cortex-M3, for a tap of four channels and three pixels (12 products).
 */
#ifndef MCUQ_TRIPLES_H
#define MCUQ_TRIPLES_H

#include <stdint.h>

static inline uint32_t mcuq_triple_a(uint32_t x0, uint32_t x1)
{
    return x0 + (x1 << 21U);
}

static inline uint32_t mcuq_triple_b(uint32_t x1, uint32_t x2)
{
    return x2 + (x1 << 11U);
}

/* The three sums in sums of a and of b. */
static inline void mcuq_triple_split(uint32_t a, uint32_t b, int32_t sums[3])
{
    const int32_t s0 = (int32_t)(a << 11U) >> 11;
    const uint32_t low = (a - (uint32_t)s0) >> 21U;
    const uint32_t rest = b - (low << 11U);
    const int32_t s2 = (int32_t)(rest << 10U) >> 10;
    const int32_t high = (int32_t)(rest - (uint32_t)s2) >> 11;
    sums[0] = s0;
    sums[1] = high + (int32_t)low;
    sums[2] = s2;
}

/* Words of a part: pairs a, b of its taps, then the sum of all a and that of all b, each times 128. */
#define MCUQ_TRIPLE_PART_WORDS(taps) ((2 * (taps)) + 2)

/* Where the next tap is packed. */
typedef struct {
    uint32_t *words;
    uint32_t sum_a;
    uint32_t sum_b;
    int32_t room; /* taps that the part still lacks */
    int32_t part_taps;
} mcuq_triple_packer;

/* n taps, each from the next byte of the three pixels. */
void mcuq_triple_pack(mcuq_triple_packer *packer, const int8_t *x0, const int8_t *x1, const int8_t *x2, int32_t n);

/* Fills the part that was begun with taps of zeros. */
void mcuq_triple_pack_end(mcuq_triple_packer *packer);

enum { MCUQ_TRIPLE_CHANNELS = 4, MCUQ_TRIPLE_B = 5, MCUQ_TRIPLE_PRODUCTS = 10 };

/* products[k] and products[MCUQ_TRIPLE_B + k]: sums of (weights >> 8 k) * a and of (weights >> 8 k) * b over all pairs
 * before end, whose number is a multiple of 4; there is a word of weights for each. Behind the four channels is a 0. */
void mcuq_triple_multiply(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                          uint32_t products[MCUQ_TRIPLE_PRODUCTS]);

/* Sums of four channels over parts of part_taps taps. weights: a word for each tap of all parts. */
void mcuq_triple_sums(const uint32_t *packed, int32_t parts, int32_t part_taps, const uint32_t *weights,
                      int32_t sums[MCUQ_TRIPLE_CHANNELS][3]);

#endif
