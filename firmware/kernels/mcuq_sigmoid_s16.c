#include "mcuq_sigmoid_s16.h"

#define LAST 255 /* the entry from which on functions have reached their end */

static inline int32_t scaled(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t half = (shift > 0) ? (1 << (shift - 1)) : 0;
    return ((value * multiplier) + half) >> shift;
}

/* The table's value at size, of which some bits are the way to the next entry; so many bits more than the table has. */
static inline int32_t on_the_line(const uint16_t *table, int32_t size, int32_t bits)
{
    const int32_t index = size >> bits;
    const int32_t way = size & ((1 << bits) - 1);
    return (table[index] * (1 << bits)) + (way * (table[index + 1] - table[index]));
}

void mcuq_logistic_s16(int32_t multiplier, int32_t shift, const uint16_t *table, const int16_t *input, int16_t *output,
                       int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        const int32_t x = scaled(input[i], multiplier, shift);
        const int32_t size = (x < 0) ? -x : x;
        const int32_t found = (size >= (LAST << 9)) ? (INT16_MAX << 10) : on_the_line(table, size, 9);
        const int32_t rounded = (x >= 0) ? (found + (1 << 9)) : ((1 << 25) - found + (1 << 9) - 1);
        output[i] = (int16_t)(rounded >> 10);
    }
}

void mcuq_tanh_s16(int32_t multiplier, int32_t shift, const uint16_t *table, const int16_t *input, int16_t *output,
                   int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        const int32_t x = scaled(input[i], multiplier, shift);
        const int32_t size = (x < 0) ? -x : x;
        const int32_t found = (size >= (LAST << 8)) ? (UINT16_MAX << 8) : on_the_line(table, size, 8);
        const int32_t above = found - (1 << 23);
        const int32_t rounded = (x >= 0) ? (above + (1 << 7)) : ((1 << 7) - 1 - above);
        output[i] = (int16_t)(rounded >> 8);
    }
}
