#include "mcuq_gather.h"

#include <stddef.h>
#include <string.h>

/* Where in a block a row lies, in bytes; -1 where an index is outside. */
static int32_t offset_of(const mcuq_gather_params *p, const int32_t *limits, const uint32_t *index)
{
    int32_t offset = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        /* A negative value is a large one without its sign; of int64 the upper word is 0. */
        if ((index[0] >= (uint32_t)limits[2 * i]) || ((p->index_words == 2) && (index[1] != 0U))) {
            return -1;
        }
        offset += (int32_t)index[0] * limits[2 * i + 1];
        index += p->index_words;
    }
    return offset;
}

int32_t mcuq_gather(const mcuq_gather_params *params, const int32_t *limits, const void *input, const void *indices,
                    void *output)
{
    const mcuq_gather_params p = *params;
    const uint8_t *from = input;
    const uint32_t *batch = indices;
    uint8_t *to = output;
    for (int32_t i = 0; i < p.batches; i++) {
        for (int32_t j = 0; j < p.outer; j++) {
            const uint32_t *index = batch;
            for (int32_t k = 0; k < p.rows; k++) {
                const int32_t offset = offset_of(&p, limits, index);
                if (offset < 0) {
                    return -1;
                }
                (void)memcpy(to, &from[offset], (size_t)p.run);
                to += p.run;
                index += p.depth * p.index_words;
            }
            from += p.block_bytes;
        }
        batch += p.rows * p.depth * p.index_words;
    }
    return 0;
}
