#include "mcuq_one_hot.h"

#include <stddef.h>
#include <string.h>

void mcuq_one_hot(const mcuq_one_hot_params *params, const void *values, const void *indices, void *output)
{
    const mcuq_one_hot_params p = *params;
    const uint8_t *of_two = values;
    const uint32_t *prefix = indices;
    uint8_t *to = output;
    for (int32_t i = 0; i < p.prefix; i++) {
        for (int32_t j = 0; j < p.depth; j++) {
            const uint32_t *index = prefix;
            for (int32_t k = 0; k < p.suffix; k++) {
                (void)memcpy(to, &of_two[(*index == (uint32_t)j) ? p.width : 0], (size_t)p.width);
                to += p.width;
                index += p.index_words;
            }
        }
        prefix += p.suffix * p.index_words;
    }
}
