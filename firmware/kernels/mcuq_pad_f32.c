#include "mcuq_pad_f32.h"

#include <string.h>

typedef float element;

static inline element *fill(element *output, int32_t value, int32_t count)
{
    float number;
    (void)memcpy(&number, &value, sizeof number);
    for (int32_t i = 0; i < count; i++) {
        output[i] = number;
    }
    return &output[count];
}

#include "mcuq_pad_loops.h"

void mcuq_pad_f32(const mcuq_pad_s8_params *params, const float *input, float *output)
{
    pad(params, input, output);
}
