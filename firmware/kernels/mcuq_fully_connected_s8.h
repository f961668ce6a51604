/* Fully connected layer: int8 rows times a constant int8 matrix, one scale for all weights or one for each output.
 *
 * out[n,o] = clamp(output_offset + requantize_single(acc, multipliers[o * scale_step], shifts[o * scale_step]))
 * acc = bias[o] + sum over i of in[n,i] * weights[o,i]
 * The bias holds the input's zero point already: bias[o] = b[o] - zero_point * sum over i of weights[o,i].
 *
 * Layouts: input batches x depth, weights outputs x depth, output batches x outputs. Rounding: single. Scratch: none.
 * Cost: about 5 instructions a multiply-accumulate on a Cortex-M4 at -O2, and 50 an output.
 */
#ifndef MCUQ_FULLY_CONNECTED_S8_H
#define MCUQ_FULLY_CONNECTED_S8_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t depth;
    int32_t outputs;
    int32_t pitch;         /* from a row of the output to the next: outputs or more */
    int32_t scale_step;    /* 0: one multiplier and shift for all outputs; 1: one for each */
    int32_t output_offset; /* the output's zero point */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_fully_connected_s8_params;

void mcuq_fully_connected_s8(const mcuq_fully_connected_s8_params *params, const int8_t *input, const int8_t *weights,
                             const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int8_t *output);

#endif
