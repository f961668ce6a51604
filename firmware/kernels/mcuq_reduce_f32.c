#include "mcuq_reduce_f32.h"

#include <float.h>

/* A function that begins with `first` for each output, takes in each element x by `next`, and writes `last`. */
#define REDUCTION(function, first, next, last)                                                                         \
    void function(const mcuq_reduction *loops, const float *input, float *output)                                      \
    {                                                                                                                  \
        const mcuq_reduction n = *loops;                                                                               \
        const int32_t outputs = n.kept_size_0 * n.kept_size_1 * n.kept_size_2;                                         \
        for (int32_t o = 0; o < outputs; o++) {                                                                        \
            const int32_t row = o / n.kept_size_2;                                                                     \
            const float *in = &input[((row / n.kept_size_1) * n.kept_step_0) +                                         \
                                     ((row % n.kept_size_1) * n.kept_step_1) + ((o % n.kept_size_2) * n.kept_step_2)]; \
            float found = (first);                                                                                     \
            for (int32_t i = 0; i < n.reduced_size_0; i++) {                                                           \
                for (int32_t j = 0; j < n.reduced_size_1; j++) {                                                       \
                    const float *line = &in[(i * n.reduced_step_0) + (j * n.reduced_step_1)];                          \
                    for (int32_t k = 0; k < n.reduced_size_2; k++) {                                                   \
                        const float x = line[k * n.reduced_step_2];                                                    \
                        found = (next);                                                                                \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
            output[o] = (last);                                                                                        \
        }                                                                                                              \
    }

REDUCTION(mcuq_reduce_sum_f32, 0.0F, found + x, found)
REDUCTION(mcuq_reduce_trailing_sum_f32, -0.0F, found + x, found)
REDUCTION(mcuq_reduce_mean_f32, 0.0F, found + x, found / (float)(n.reduced_size_0 * n.reduced_size_1 * n.reduced_size_2))
REDUCTION(mcuq_reduce_max_f32, -FLT_MAX, (x > found) ? x : found, found)
REDUCTION(mcuq_reduce_min_f32, FLT_MAX, (x < found) ? x : found, found)
