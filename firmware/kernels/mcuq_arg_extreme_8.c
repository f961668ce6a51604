#include "mcuq_arg_extreme_8.h"

void mcuq_arg_extreme_8(const mcuq_arg_extreme_8_params *params, const void *input, void *output)
{
    const mcuq_arg_extreme_8_params p = *params;
    const int8_t *in = input;
    int32_t *out = output;
    for (int32_t o = 0; o < p.outer; o++) {
        for (int32_t i = 0; i < p.inner; i++) {
            int32_t best = p.flip ^ (int32_t)in[i];
            int32_t at = 0;
            for (int32_t a = 1; a < p.axis; a++) {
                const int32_t x = p.flip ^ (int32_t)in[(a * p.inner) + i];
                if (x > best) {
                    best = x;
                    at = a;
                }
            }
            out[0] = at;
            if (p.words == 2) {
                out[1] = 0; /* the upper half, in the little endian order of all Cortex-M here */
            }
            out += p.words;
        }
        in += p.axis * p.inner;
    }
}
