/* Fully connected layer of int8 activations and packed int8 weights for cores with the DSP extension.
 *
 * out[n,o] = ((bias[o] + (acc << left_shift)) * multiplier[o] >> 32) >> right_shift, clamped to the activation's range
 * acc = sum over i of in[n,i] * w[o,i]
 * The bias holds the input's zero point, and the zero point and the rounding of the output; the constants are proven to
 * give LiteRT's one rounding for every input (mcuq/kernels/fast_requantize.py).
 *
 * Packed stream: two weights in a halfword as in mcuq_gemm_dsp.h, but for groups of 8 outputs: for each pair of
 * activations 4 words, then 8 biases and 8 multipliers. Activations are filled up to a multiple of 4 with weights of
 * zero, outputs to a multiple of 8. Activations are shuffled when the depth is a multiple of 4, else in order.
 *
 * Scratch: one row of the input as int16, 8 bytes for each 4 activations.
 * The output may lie over the input where there is one row (it is copied first).
 * Cost on a Cortex-M4: 37 cycles for 8 outputs and 4 activations (1.16 a product), 7 for every 32 activations, about 100
 * for the 8 outputs.
 */
#ifndef MCUQ_FULLY_CONNECTED_S8_DSP_H
#define MCUQ_FULLY_CONNECTED_S8_DSP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t depth;
    int32_t outputs;
    uint32_t left_shift; /* 8 or more */
    uint32_t right_shift;
    bool clamped; /* the activation's range is narrower than int8 */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_fully_connected_s8_dsp_params;

void mcuq_fully_connected_s8_dsp(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                                 const int32_t *packed, int16_t *scratch, int8_t *output);

#endif
