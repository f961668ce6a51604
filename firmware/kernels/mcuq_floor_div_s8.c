#include "mcuq_floor_div_s8.h"

static inline int32_t floor_of_quotient(int32_t x, int32_t d)
{
    const int32_t truncated = x / d;
    return (((x % d) != 0) && ((x < 0) != (d < 0))) ? (truncated - 1) : truncated;
}

void mcuq_floor_div_s8(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const mcuq_broadcast n = *loops;
    mcuq_broadcast_row row = {0};
    do {
        for (int32_t i = 0; i < n.size_3; i++) {
            const int32_t x = input1[row.offset1 + (i * n.step1_3)];
            const int32_t d = input2[row.offset2 + (i * n.step2_3)];
            *output = (int8_t)floor_of_quotient(x, (d == 0) ? 1 : d);
            output++;
        }
    } while (mcuq_broadcast_next(&n, &row));
}

void mcuq_floor_mod_s8(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    const mcuq_broadcast n = *loops;
    mcuq_broadcast_row row = {0};
    do {
        for (int32_t i = 0; i < n.size_3; i++) {
            const int32_t x = input1[row.offset1 + (i * n.step1_3)];
            const int32_t d = input2[row.offset2 + (i * n.step2_3)];
            const int32_t divisor = (d == 0) ? 1 : d;
            *output = (int8_t)(x - (divisor * floor_of_quotient(x, divisor)));
            output++;
        }
    } while (mcuq_broadcast_next(&n, &row));
}
