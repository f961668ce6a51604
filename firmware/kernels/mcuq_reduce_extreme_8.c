#include "mcuq_reduce_extreme_8.h"

static inline int32_t greatest(const mcuq_reduction *n, int32_t flip, const int8_t *input)
{
    int32_t best = INT8_MIN;
    for (int32_t i = 0; i < n->reduced_size_0; i++) {
        for (int32_t j = 0; j < n->reduced_size_1; j++) {
            const int8_t *in = &input[(i * n->reduced_step_0) + (j * n->reduced_step_1)];
            for (int32_t k = 0; k < n->reduced_size_2; k++) {
                const int32_t x = flip ^ (int32_t)in[k * n->reduced_step_2];
                best = (x > best) ? x : best;
            }
        }
    }
    return best;
}

void mcuq_reduce_extreme_8(const mcuq_reduction *loops, int32_t flip, const void *input, void *output)
{
    const mcuq_reduction n = *loops;
    int8_t *out = output;
    for (int32_t i = 0; i < n.kept_size_0; i++) {
        for (int32_t j = 0; j < n.kept_size_1; j++) {
            const int8_t *in = &((const int8_t *)input)[(i * n.kept_step_0) + (j * n.kept_step_1)];
            for (int32_t k = 0; k < n.kept_size_2; k++) {
                *out = (int8_t)(flip ^ greatest(&n, flip, &in[k * n.kept_step_2]));
                out++;
            }
        }
    }
}
