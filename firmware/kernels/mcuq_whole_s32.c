#include "mcuq_whole_s32.h"

#include <string.h>

void mcuq_add_s32(const int32_t *input1, const int32_t *input2, int32_t *output, int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (int32_t)((uint32_t)input1[i] + (uint32_t)input2[i]);
    }
}

void mcuq_cumulative_sum_s32(const mcuq_cumulative_sum_s32_params *params, const int32_t *input, int32_t *output)
{
    const mcuq_cumulative_sum_s32_params p = *params;
    for (int32_t o = 0; o < p.outer; o++) {
        for (int32_t i = 0; i < p.inner; i++) {
            uint32_t sum = 0U;
            for (int32_t a = 0; a < p.axis; a++) {
                const int32_t along = (p.reverse != 0) ? (p.axis - 1 - a) : a;
                const int32_t at = (((o * p.axis) + along) * p.inner) + i;
                const uint32_t next = sum + (uint32_t)input[at];
                output[at] = (int32_t)((p.exclusive != 0) ? sum : next);
                sum = next;
            }
        }
    }
}

void mcuq_fill(const void *value, int32_t size, void *output, int32_t elements)
{
    uint8_t *out = output;
    for (int32_t i = 0; i < elements; i++) {
        (void)memcpy(out, value, (uint32_t)size);
        out += size;
    }
}
