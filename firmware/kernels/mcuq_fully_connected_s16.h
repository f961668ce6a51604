/* Fully connected layer of int16 activations and packed int8 weights for cores with the DSP extension.
 *
 * out[n,o] = clamp((acc * multiplier[o] + 2^(31 + shift[o])) >> (32 + shift[o])), shifts of negative values rounding down
 * acc = bias[o] + sum over i of in[n,i] * w[o,i], which stays within int32
 *
 * Packed weights: outputs in groups of 4, filled up with weights of zero. Of a group, for each 4 activations a word for
 * each output, with the weights in the order 0, 2, 1, 3; then for each activation that is left a byte for each output.
 * bias, multipliers and shifts (1 .. 30) are filled up to whole groups too.
 *
 * Input and output do not overlap. Scratch: none.
 * Cost on a Cortex-M4: 28 cycles for 4 outputs and 4 activations (1.75 a product), about 60 for the 4 outputs.
 */
#ifndef MCUQ_FULLY_CONNECTED_S16_H
#define MCUQ_FULLY_CONNECTED_S16_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t depth;
    int32_t outputs;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_fully_connected_s16_params;

void mcuq_fully_connected_s16(const mcuq_fully_connected_s16_params *params, const int16_t *input, const int8_t *weights,
                              const int32_t *bias, const int32_t *multipliers, const int32_t *shifts, int16_t *output);

#endif
