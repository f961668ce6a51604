/* Mean of int8 activations over rows on Helium (MVE), rescaled to the output's quantization.
 *
 * out[c] = clamp(output_offset + requantize_double(sum_offset + sum over r of in[r][c], multiplier, shift))
 * to -128 .. 127. At most 256 rows, whose sum fits 16 bits. The division by their count is in the multiplier; sum_offset
 * is minus the input's zero point times the count. Rounding: double. Shift is -31 .. -1.
 *
 * Layouts: rows of channels. Scratch: none.
 * Cost on a Cortex-M55: about 5 instructions for 8 elements, and 35 for 8 outputs.
 */
#ifndef MCUQ_MEAN_MVE_H
#define MCUQ_MEAN_MVE_H

#include <stdint.h>

typedef struct {
    int32_t rows;
    int32_t channels;
    int32_t sum_offset;
    int32_t multiplier;
    int32_t shift;
    int32_t output_offset; /* the output's zero point */
} mcuq_mean_mve_params;

void mcuq_mean_mve(const mcuq_mean_mve_params *params, const int8_t *input, int8_t *output);

#endif
