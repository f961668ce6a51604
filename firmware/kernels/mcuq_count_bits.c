#include "mcuq_count_bits.h"

#define FOUR_BYTES UINT32_C(0x01010101)

/* Bit k of the counts of 32 outputs, for k below 4. */
typedef struct {
    uint32_t ones;
    uint32_t twos;
    uint32_t fours;
    uint32_t eights;
} low_planes;

/* *sum + a + b in each bit: the sum's low bit stays, the carry is returned. */
static inline uint32_t add(uint32_t *sum, uint32_t a, uint32_t b)
{
    const uint32_t either = *sum ^ a;
    const uint32_t carry = (*sum & a) | (either & b);
    *sum = either ^ b;
    return carry;
}

static inline uint32_t add_2(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    return add(&low->ones, bits[list[0]], bits[list[1]]);
}

static inline uint32_t add_4(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    const uint32_t first = add_2(low, bits, list);
    return add(&low->twos, first, add_2(low, bits, &list[2]));
}

static inline uint32_t add_8(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    const uint32_t first = add_4(low, bits, list);
    return add(&low->fours, first, add_4(low, bits, &list[4]));
}

static inline uint32_t add_16(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    const uint32_t first = add_8(low, bits, list);
    return add(&low->eights, first, add_8(low, bits, &list[8]));
}

/* Counts, for each of 32 outputs, the bits in the listed words; length is a multiple of MCUQ_BIT_BLOCK. */
static __attribute__((noinline)) void count(const uint32_t *bits, const uint16_t *list, int32_t length,
                                            uint32_t planes[MCUQ_BIT_PLANES])
{
    low_planes low = {0U, 0U, 0U, 0U};
    for (int32_t k = 4; k < MCUQ_BIT_PLANES; k++) {
        planes[k] = 0U;
    }
    for (int32_t i = 0; i < length; i += MCUQ_BIT_BLOCK) {
        uint32_t carry = add_16(&low, bits, &list[i]);
        for (int32_t k = 4; carry != 0U; k++) {
            const uint32_t before = planes[k];
            planes[k] = before ^ carry;
            carry &= before;
        }
    }
    planes[0] = low.ones;
    planes[1] = low.twos;
    planes[2] = low.fours;
    planes[3] = low.eights;
}

/* Bits j, j + 8, j + 16, j + 24 of a plane, as four bytes. */
static inline uint32_t four_lanes(uint32_t plane, int32_t j)
{
    return (plane >> (uint32_t)j) & FOUR_BYTES;
}

static inline uint32_t two_planes(const uint32_t *planes, int32_t j)
{
    return four_lanes(planes[0], j) + (four_lanes(planes[1], j) << 1);
}

static inline uint32_t four_planes(const uint32_t *planes, int32_t j)
{
    return two_planes(planes, j) + (two_planes(&planes[2], j) << 2);
}

/* The counts in the planes below used. */
static __attribute__((noinline)) void spread(const uint32_t planes[MCUQ_BIT_PLANES], int32_t used,
                                             uint16_t counts[MCUQ_BIT_LANES])
{
    for (int32_t j = 0; j < (MCUQ_BIT_LANES / 4); j++) {
        const uint32_t low = four_planes(planes, j) + (four_planes(&planes[4], j) << 4);
        uint32_t high = 0U;
        for (int32_t k = used - 1; k >= 8; k--) {
            high = (high << 1) + four_lanes(planes[k], j);
        }
        counts[j] = (uint16_t)((low & 0xFFU) | ((high & 0xFFU) << 8));
        counts[j + 8] = (uint16_t)(((low >> 8) & 0xFFU) | (high & 0xFF00U));
        counts[j + 16] = (uint16_t)(((low >> 16) & 0xFFU) | ((high >> 8) & 0xFF00U));
        counts[j + 24] = (uint16_t)((low >> 24) | ((high >> 16) & 0xFF00U));
    }
}

void mcuq_count_bits(const uint32_t *bits, const uint16_t *list, int32_t length, int32_t set,
                     uint16_t counts[MCUQ_BIT_LANES])
{
    uint32_t planes[MCUQ_BIT_PLANES];
    int32_t used = 0;
    while ((set >> used) != 0) {
        used++;
    }
    count(bits, list, length, planes);
    spread(planes, used, counts);
}
