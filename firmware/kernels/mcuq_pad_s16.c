#include "mcuq_pad_s16.h"

#include <stddef.h>
#include <string.h>

/* count elements of value; returns where the next element goes. */
static inline int16_t *fill(int16_t *output, int32_t value, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = (int16_t)value;
    }
    return &output[count];
}

void mcuq_pad_s16(const mcuq_pad_s8_params *params, const int16_t *input, int16_t *output)
{
    const mcuq_pad_s8_params p = *params;
    /* Elements of the output in one step of axis 2, 1 and 0. */
    const int32_t block_2 = p.before_3 + p.size_3 + p.after_3;
    const int32_t block_1 = (p.before_2 + p.size_2 + p.after_2) * block_2;
    const int32_t block_0 = (p.before_1 + p.size_1 + p.after_1) * block_1;

    output = fill(output, p.value, p.before_0 * block_0);
    for (int32_t i0 = 0; i0 < p.size_0; i0++) {
        output = fill(output, p.value, p.before_1 * block_1);
        for (int32_t i1 = 0; i1 < p.size_1; i1++) {
            output = fill(output, p.value, p.before_2 * block_2);
            for (int32_t i2 = 0; i2 < p.size_2; i2++) {
                output = fill(output, p.value, p.before_3);
                (void)memcpy(output, input, (size_t)p.size_3 * sizeof *input);
                input += p.size_3;
                output = fill(&output[p.size_3], p.value, p.after_3);
            }
            output = fill(output, p.value, p.after_2 * block_2);
        }
        output = fill(output, p.value, p.after_1 * block_1);
    }
    (void)fill(output, p.value, p.after_0 * block_0);
}
