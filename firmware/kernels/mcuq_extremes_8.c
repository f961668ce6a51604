#include "mcuq_extremes_8.h"

#include <stdbool.h>

/* greatest is a literal in both callers, so each gets its own loops. */
static inline void extremes(const mcuq_broadcast *loops, const int8_t *input1, const int8_t *input2, int8_t *output,
                            bool greatest)
{
    const mcuq_broadcast n = *loops;
    int8_t *out = output;
    mcuq_broadcast_row row = {0};
    do {
        const int8_t *in1 = &input1[row.offset1];
        const int8_t *in2 = &input2[row.offset2];
        for (int32_t i = 0; i < n.size_3; i++) {
            const int8_t a = in1[i * n.step1_3];
            const int8_t b = in2[i * n.step2_3];
            *out = ((a > b) == greatest) ? a : b;
            out++;
        }
    } while (mcuq_broadcast_next(&n, &row));
}

void mcuq_maximum_8(const mcuq_broadcast *loops, const void *input1, const void *input2, void *output)
{
    extremes(loops, input1, input2, output, true);
}

void mcuq_minimum_8(const mcuq_broadcast *loops, const void *input1, const void *input2, void *output)
{
    extremes(loops, input1, input2, output, false);
}
