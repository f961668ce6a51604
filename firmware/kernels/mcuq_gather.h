/* Parts of a tensor by their indices, of int32 or int64.
 *
 * out[block][row] = in[block] at the sum over i of indices[row][i] * step[i]
 *
 * There are batches x outer blocks of the input, block_bytes each, and rows for each of them; the indices of a batch
 * serve all its outer blocks. What is copied for a row are run bytes. limits holds two numbers for each of the depth
 * indices of a row: how many values it may have, and the step in bytes. index_words is 1 for int32 and 2 for int64.
 *
 * Returns 0, or -1 where an index is negative or too large: nothing outside the input is read, and the output is not
 * complete. Scratch: none. Cost: that of memcpy, and 30 cycles a row on a Cortex-M4.
 */
#ifndef MCUQ_GATHER_H
#define MCUQ_GATHER_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t outer;
    int32_t rows;
    int32_t depth;
    int32_t index_words;
    int32_t block_bytes;
    int32_t run;
} mcuq_gather_params;

int32_t mcuq_gather(const mcuq_gather_params *params, const int32_t *limits, const void *input, const void *indices,
                    void *output);

#endif
