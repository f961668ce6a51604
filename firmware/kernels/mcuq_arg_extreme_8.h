/* Where along an axis the greatest or the least byte is, the first of equals: ARG_MAX and ARG_MIN.
 *
 * out[o,i] = the first a for which flip ^ in[o,a,i] is greatest, read as int8: flip 0 makes ARG_MAX, -1 ARG_MIN.
 * The output's elements are int32 (words 1) or int64 (words 2); a bool is a byte of 0 or 1.
 * Layouts: input (outer, axis, inner), output (outer, inner). Scratch: none.
 * Cost: about 8 instructions an input element on a Cortex-M4.
 */
#ifndef MCUQ_ARG_EXTREME_8_H
#define MCUQ_ARG_EXTREME_8_H

#include <stdint.h>

typedef struct {
    int32_t outer;
    int32_t axis;
    int32_t inner;
    int32_t flip;
    int32_t words;
} mcuq_arg_extreme_8_params;

void mcuq_arg_extreme_8(const mcuq_arg_extreme_8_params *params, const void *input, void *output);

#endif
