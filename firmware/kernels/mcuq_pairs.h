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

/* Adds to the sums of eight channels those of a part of taps taps, a multiple of 4. */
void mcuq_pair_add_int4(const uint32_t *packed, int32_t taps, const uint32_t *weights,
                        int32_t sums[MCUQ_PAIR_CHANNELS][2]);
void mcuq_pair_add_int2(const uint32_t *packed, int32_t taps, const uint32_t *weights,
                        int32_t sums[MCUQ_PAIR_CHANNELS][2]);

#endif
