/* Padding along up to four axes: the input with elements of one value before and behind it.
 *
 * Axes are given outermost first; axes that are not needed have size 1 and no padding. Padding counts elements of the
 * output's axis; sizes are the input's.
 *
 * Layouts: any. Scratch: none. Cost: that of memcpy and memset, one memcpy a row of the innermost axis.
 */
#ifndef MCUQ_PAD_S8_H
#define MCUQ_PAD_S8_H

#include <stdint.h>

typedef struct {
    int32_t before_0;
    int32_t size_0;
    int32_t after_0;
    int32_t before_1;
    int32_t size_1;
    int32_t after_1;
    int32_t before_2;
    int32_t size_2;
    int32_t after_2;
    int32_t before_3;
    int32_t size_3;
    int32_t after_3;
    int32_t value;
} mcuq_pad_s8_params;

void mcuq_pad_s8(const mcuq_pad_s8_params *params, const int8_t *input, int8_t *output);

#endif
