/* The loops of mcuq_pad_s8.c and mcuq_pad_s16.c. The file that includes this has defined the type element and
 *     element *fill(element *output, int32_t value, int32_t count): count elements of value; where the next element goes.
 * Formula and parameters: mcuq_pad_s8.h.
 */
#ifndef MCUQ_PAD_LOOPS_H
#define MCUQ_PAD_LOOPS_H

#include <stddef.h>
#include <string.h>

#include "mcuq_pad_s8.h"

static inline void pad(const mcuq_pad_s8_params *params, const element *input, element *output)
{
    const mcuq_pad_s8_params p = *params;
    /* Elements of the output in one step of axis 2, 1 and 0. */
    const int32_t block_2 = p.before_3 + p.size_3 + p.after_3;
    const int32_t block_1 = (p.before_2 + p.size_2 + p.after_2) * block_2;
    const int32_t block_0 = (p.before_1 + p.size_1 + p.after_1) * block_1;

    /* What lies between one run of the input and the next, of whatever axes, is filled in one go. */
    int32_t between = p.before_0 * block_0;
    for (int32_t i0 = 0; i0 < p.size_0; i0++) {
        between += p.before_1 * block_1;
        for (int32_t i1 = 0; i1 < p.size_1; i1++) {
            between += p.before_2 * block_2;
            for (int32_t i2 = 0; i2 < p.size_2; i2++) {
                output = fill(output, p.value, between + p.before_3);
                (void)memcpy(output, input, (size_t)p.size_3 * sizeof *input);
                input += p.size_3;
                output += p.size_3;
                between = p.after_3;
            }
            between += p.after_2 * block_2;
        }
        between += p.after_1 * block_1;
    }
    (void)fill(output, p.value, between + (p.after_0 * block_0));
}

#endif
