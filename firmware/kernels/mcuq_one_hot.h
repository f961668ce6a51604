/* One-hot vectors along any axis.
 *
 * out[i, j, k] = values[indices[i, k] == j], for prefix x depth x suffix elements of width bytes
 *
 * values holds two elements, the one for all other places first. index_words is 1 for indices of int32 and 2 for int64,
 * of which the lower word counts; an index outside gives none. Scratch: none. Cost: 10 cycles an element and more.
 */
#ifndef MCUQ_ONE_HOT_H
#define MCUQ_ONE_HOT_H

#include <stdint.h>

typedef struct {
    int32_t prefix;
    int32_t depth;
    int32_t suffix;
    int32_t index_words;
    int32_t width;
} mcuq_one_hot_params;

void mcuq_one_hot(const mcuq_one_hot_params *params, const void *values, const void *indices, void *output);

#endif
