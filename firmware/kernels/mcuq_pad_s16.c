#include "mcuq_pad_s16.h"

typedef int16_t element;

static inline element *fill(element *output, int32_t value, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        output[i] = (element)value;
    }
    return &output[count];
}

#include "mcuq_pad_loops.h"

void mcuq_pad_s16(const mcuq_pad_s8_params *params, const int16_t *input, int16_t *output)
{
    pad(params, input, output);
}
