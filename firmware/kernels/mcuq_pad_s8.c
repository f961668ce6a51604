#include "mcuq_pad_s8.h"

#include <stddef.h>
#include <string.h>

typedef int8_t element;

static inline element *fill(element *output, int32_t value, int32_t count)
{
    (void)memset(output, value, (size_t)count);
    return &output[count];
}

#include "mcuq_pad_loops.h"

void mcuq_pad_s8(const mcuq_pad_s8_params *params, const int8_t *input, int8_t *output)
{
    pad(params, input, output);
}
