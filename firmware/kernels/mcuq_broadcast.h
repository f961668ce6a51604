/* Four nested loops over the output of an element-wise operator of two tensors, outermost first.
 *
 * Loop i has size_i steps; each moves the first input by step1_i and the second by step2_i elements, 0 where that
 * input is repeated. Loops that are not needed have size 1. The output is written in order.
 */
#ifndef MCUQ_BROADCAST_H
#define MCUQ_BROADCAST_H

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

#endif
