/* The loops of a reduction: three over the axes that are kept, three over those that are reduced, outermost first.
 *
 * Each loop has its size and its step in the input, in elements; one that is not there has size 1. The output is
 * written in order.
 */
#ifndef MCUQ_REDUCTION_H
#define MCUQ_REDUCTION_H

#include <stdint.h>

typedef struct {
    int32_t kept_size_0;
    int32_t kept_size_1;
    int32_t kept_size_2;
    int32_t kept_step_0;
    int32_t kept_step_1;
    int32_t kept_step_2;
    int32_t reduced_size_0;
    int32_t reduced_size_1;
    int32_t reduced_size_2;
    int32_t reduced_step_0;
    int32_t reduced_step_1;
    int32_t reduced_step_2;
} mcuq_reduction;

#endif
