/* Four nested loops over the output of an element-wise operator of two tensors, outermost first.
 *
 * Loop i has size_i steps; each moves the first input by step1_i and the second by step2_i elements, 0 where that
 * input is repeated. Loops that are not needed have size 1. The output is written in order.
 */
#ifndef MCUQ_BROADCAST_H
#define MCUQ_BROADCAST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int32_t size_0;
    int32_t size_1;
    int32_t size_2;
    int32_t size_3;
    int32_t step1_0;
    int32_t step1_1;
    int32_t step1_2;
    int32_t step1_3;
    int32_t step2_0;
    int32_t step2_1;
    int32_t step2_2;
    int32_t step2_3;
} mcuq_broadcast;

/* Where a row, one round of loop 3, begins: the elements before it in both inputs. All zero for the first row. */
typedef struct {
    int32_t index_0;
    int32_t index_1;
    int32_t index_2;
    int32_t offset1;
    int32_t offset2;
} mcuq_broadcast_row;

/* The next row; false when there is none. */
static inline bool mcuq_broadcast_next(const mcuq_broadcast *n, mcuq_broadcast_row *row)
{
    row->index_2++;
    if (row->index_2 == n->size_2) {
        row->index_2 = 0;
        row->index_1++;
    }
    if (row->index_1 == n->size_1) {
        row->index_1 = 0;
        row->index_0++;
    }
    row->offset1 = (row->index_0 * n->step1_0) + (row->index_1 * n->step1_1) + (row->index_2 * n->step1_2);
    row->offset2 = (row->index_0 * n->step2_0) + (row->index_1 * n->step2_1) + (row->index_2 * n->step2_2);
    return row->index_0 < n->size_0;
}

#endif
