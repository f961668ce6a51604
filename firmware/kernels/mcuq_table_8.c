#include "mcuq_table_8.h"

void mcuq_table_8(const uint8_t *table, const void *input, void *output, int32_t elements)
{
    const uint8_t *in = input;
    uint8_t *out = output;
    for (int32_t i = 0; i < elements; i++) {
        out[i] = table[in[i]];
    }
}
