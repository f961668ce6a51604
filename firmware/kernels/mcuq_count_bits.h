/* Counting the set bits of listed words, for each of 32 lanes, with adders of single bits (carry-save: sums of 1, 2, 4, 8 in a
 * word each), in plain C.
 *
 * Cost: about 10 cycles for a listed word on a Cortex-M4, 250 for spreading the counts of 32 lanes.
 */
#ifndef MCUQ_COUNT_BITS_H
#define MCUQ_COUNT_BITS_H

#include <stdint.h>

#include "mcuq_high_multiply.h"

enum {
    MCUQ_BIT_LANES = 32,
    MCUQ_BIT_BLOCK = 16, /* words that are counted together */
    MCUQ_BIT_PLANES = 16 /* bits of a count: lists have up to 65,535 words */
};

/* A list with `set` words, filled up to whole blocks by the word of zeros `zero`; the new length. */
static inline int32_t mcuq_fill_block(uint16_t *list, int32_t set, int32_t zero)
{
    int32_t length = set;
    while ((length % MCUQ_BIT_BLOCK) != 0) {
        list[length] = (uint16_t)zero;
        length++;
    }
    return length;
}

/* counts[j]: how many of the `set` listed words have bit j. The list is filled up to length, in whole blocks. */
void mcuq_count_bits(const uint32_t *bits, const uint16_t *list, int32_t length, int32_t set,
                     uint16_t counts[MCUQ_BIT_LANES]);

/* Constants of an output: bias, low, step, multiplier, shift; for a line its constant is the first. */
enum { MCUQ_BIT_CONSTANTS = 5 };

/* An output before it is clamped, by a line that is proven to give LiteRT's bytes when code is generated
 * (mcuq/kernels/plain.py): of `set` inputs that are above the zero point count have the weight low + step. */
static inline int32_t mcuq_count_line(const int32_t constants[MCUQ_BIT_CONSTANTS], int32_t count, int32_t set)
{
    const int32_t sum = (constants[1] * set) + (constants[2] * count);
    return (constants[0] + mcuq_multiply_shift_20(sum, constants[3])) >> constants[4];
}

#endif
