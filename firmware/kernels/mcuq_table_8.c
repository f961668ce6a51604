#include "mcuq_table_8.h"

void mcuq_table_8(const uint8_t *table, const void *input, void *output, int32_t elements)
{
    const uint8_t *in = input;
    uint8_t *out = output;
    int32_t i = 0;
    for (; i <= (elements - 4); i += 4) { /* four at a time: loads of their own take twice as long as loads in a row */
        const uint8_t a = in[i];
        const uint8_t b = in[i + 1];
        const uint8_t c = in[i + 2];
        const uint8_t d = in[i + 3];
        const uint8_t of_a = table[a];
        const uint8_t of_b = table[b];
        const uint8_t of_c = table[c];
        const uint8_t of_d = table[d];
        out[i] = of_a;
        out[i + 1] = of_b;
        out[i + 2] = of_c;
        out[i + 3] = of_d;
    }
    for (; i < elements; i++) {
        out[i] = table[in[i]];
    }
}
