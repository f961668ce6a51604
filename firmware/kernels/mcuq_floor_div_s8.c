#include "mcuq_floor_div_s8.h"

#include <stdbool.h>

static inline int32_t floor_of_quotient(int32_t x, int32_t d)
{
    const int32_t truncated = x / d;
    return (((x % d) != 0) && ((x < 0) != (d < 0))) ? (truncated - 1) : truncated;
}

/* remainder is a literal in both callers, so each gets its own loops. */
static inline void divide(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output,
                          bool remainder)
{
    const mcuq_broadcast n = *loops;
    mcuq_broadcast_row row = {0};
    do {
        for (int32_t i = 0; i < n.size_3; i++) {
            const int32_t x = input1[row.offset1 + (i * n.step1_3)];
            const int32_t d = input2[row.offset2 + (i * n.step2_3)];
            const int32_t divisor = (d == 0) ? 1 : d;
            const int32_t quotient = floor_of_quotient(x, divisor);
            *output = (int8_t)(remainder ? (x - (divisor * quotient)) : quotient);
            output++;
        }
    } while (mcuq_broadcast_next(&n, &row));
}

void mcuq_floor_div_s8(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    divide(loops, input1, input2, output, false);
}

void mcuq_floor_mod_s8(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    divide(loops, input1, input2, output, true);
}
