/* Two int8 values in one word, for weights of four or two bits on cores without the DSP extension: one multiplication
 * makes two products.
 *
 * Values x0, x1 of two pixels are packed as x0 + 2^16 x1. The sum of w times that, modulo 2^32, holds both sums S of w * x,
 * exact while -2^15 <= S < 2^15, which is proven from the weights when code is generated (mcuq/kernels/triples.py); longer
 * sums are made of several parts.
 *
 * Codes of eight output channels lie in one word (int4: w + 8, that of channel k in bits 4k to 4k + 3) or halfword (int2:
 * w + 2, bits 2k and 2k + 1; a word's low half is for the first of two taps). They are multiplied together with those above
 * them: with h_k = word >> bits * k, sum of h_k x - 2^bits * (sum of h_(k+1) x) is the sum of code_k x. So a weight costs
 * one shift, which also is the copy that Armv6-M's MULS overwrites.
 *
 * Cost: 28 cycles on a Cortex-M0, 27 on a Cortex-M3, for a tap of eight channels and two pixels (16 products).
 */
#ifndef MCUQ_PAIRS_H
#define MCUQ_PAIRS_H

#include <stdint.h>

#include "mcuq_triples.h"

/* A literal wherever it is an argument: bits of a code. */
typedef enum { mcuq_pairs_int2 = 2, mcuq_pairs_int4 = 4 } mcuq_pairs;

enum { MCUQ_PAIR_CHANNELS = 8 };

/* Words of a part: those of its taps, then their sum. */
#define MCUQ_PAIR_PART_WORDS(taps) ((taps) + 1)

/* n taps, each from the next byte of the two pixels; the packer's sum_b is not used. */
void mcuq_pair_pack(mcuq_triple_packer *packer, const int8_t *x0, const int8_t *x1, int32_t n);

/* Fills the part that was begun with taps of zeros. */
void mcuq_pair_pack_end(mcuq_triple_packer *packer);

enum { MCUQ_PAIR_PRODUCTS = MCUQ_PAIR_CHANNELS + 1 };

/* products[k]: the sum of (codes >> bits * k) * x over all x before end, whose number is a multiple of 4. Behind the eight
 * channels is a 0. */
void mcuq_pair_multiply_int4(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                             uint32_t products[MCUQ_PAIR_PRODUCTS]);
void mcuq_pair_multiply_int2(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                             uint32_t products[MCUQ_PAIR_PRODUCTS]);

/* The sum of x0; *second is that of x1. products are a channel's and the next one's, packed_sum that of all x. */
static inline int32_t mcuq_pair_split(const uint32_t *products, uint32_t packed_sum, mcuq_pairs kind, int32_t *second)
{
    const uint32_t bits = (uint32_t)kind;
    const uint32_t excess = packed_sum << (bits - 1U); /* what the codes have more than the weights */
    const uint32_t both = products[0] - (products[1] << bits) - excess;
    const int32_t first = (int32_t)(int16_t)(uint16_t)(both & 0xffffU);
    *second = (int32_t)(both - (uint32_t)first) >> 16;
    return first;
}

#endif
