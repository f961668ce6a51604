/* One of two values for each bool, with broadcasting: SELECT and SELECT_V2.
 *
 * out = yes where condition is not 0, otherwise no. Four nested loops over the output, outermost first, as in
 * mcuq_broadcast.h, with a step for each of the three inputs; what is not needed has size 1.
 * mcuq_select_8 is for elements of a byte, mcuq_select_32 for those of four.
 * Layouts: any. Scratch: none. An output may be an input of its own element size that is not repeated.
 * Cost: about 9 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_SELECT_H
#define MCUQ_SELECT_H

#include "mcuq_broadcast.h"

typedef struct {
    mcuq_broadcast loops; /* steps of yes and no */
    int32_t condition_step_0;
    int32_t condition_step_1;
    int32_t condition_step_2;
    int32_t condition_step_3;
} mcuq_select_params;

void mcuq_select_8(const mcuq_select_params *params, const void *condition, const void *yes, const void *no,
                   void *output);

void mcuq_select_32(const mcuq_select_params *params, const void *condition, const void *yes, const void *no,
                    void *output);

#endif
