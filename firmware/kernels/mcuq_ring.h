/* A ring of frames: what a tensor held along its time axis in the last steps of a step function.
 *
 * A frame is rows runs of row_bytes bytes. In the ring, frames lie one after the other, each in one piece; in tensors, the
 * first rows of all frames come first, then the second ones (rows is 1 where no axis stands before that of time). place is
 * where the next frame goes: the newest lies before it, capacity - 1 frames older ones before that, round the end.
 *
 * Pushing takes frames 1 or more. Reading writes count frames, step apart and the newest of them last; the first is age
 * frames older than the newest one. 0 <= age < capacity, (count - 1) * step <= age. Scratch: none.
 * Cost on a Cortex-M4: that of memcpy, and 40 cycles for each run; with rows 1 and step 1, frames that lie together are
 * one run.
 */
#ifndef MCUQ_RING_H
#define MCUQ_RING_H

#include <stdint.h>

typedef struct {
    int32_t rows;
    int32_t row_bytes;
    int32_t capacity;
} mcuq_ring_params;

void mcuq_ring_push(const mcuq_ring_params *params, const void *input, int32_t frames, void *ring, int32_t *place);

void mcuq_ring_read(const mcuq_ring_params *params, const void *ring, const int32_t *place, int32_t age, int32_t count,
                    int32_t step, void *output);

#endif
