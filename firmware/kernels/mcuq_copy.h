/* Copies elements between two tensors that are walked with different strides.
 *
 * Runs of run units of width bytes (1, 2 or 4) lie together in input and output. count runs follow each other at
 * input_step and output_step bytes; around them go depth loops, the outermost first. loops holds three numbers for each:
 * its size, and the bytes from where the loops within it have ended in the input and in the output to where the next
 * round starts. Steps may be 0 (the same elements again) and negative (backwards). width 0: runs are bytes, long enough
 * for memcpy.
 *
 * Pointers and steps are multiples of width. Input and output do not overlap. Scratch: none.
 * Cost on a Cortex-M4: 5 cycles a unit where runs are single, 3 within runs, that of memcpy for long ones; 20 a round.
 */
#ifndef MCUQ_COPY_H
#define MCUQ_COPY_H

#include <stdint.h>

#define MCUQ_COPY_LOOPS 16

typedef struct {
    int32_t width;
    int32_t run;
    int32_t count;
    int32_t input_step;
    int32_t output_step;
    int32_t depth;
} mcuq_copy_params;

void mcuq_copy(const mcuq_copy_params *params, const int32_t *loops, const void *input, void *output);

#endif
