/* Fully connected layer with weights of four or two bits for cores without the DSP extension: one multiplication for two
 * outputs. Formula, requantization and constants: mcuq_fully_connected_s8_fours.h.
 *
 * Codes are w + 8 (int4) or w + 2 (int2). Under a mask a word of them holds those of two outputs, 16 bits apart; sums of such
 * words times inputs hold the sums S of both, S0 + 2^16 S1 modulo 2^32 once the sum of the inputs, times what each code has
 * more than its weight, is taken away. Exact while -2^15 <= S < 2^15, which is proven from the weights when code is generated
 * (mcuq/kernels/triples.py); longer sums are made of several parts.
 *
 * Stream: for each eight outputs the codes of the inputs of all parts, then the constants of the eight. int4: a word for
 * an input, the code of output k in bits 4k to 4k + 3. int2: a word for two inputs a and b, of outputs k and k + 4 (k < 4)
 * a's codes in bits 2k and 16 + 2k, b's 8 bits higher. Inputs and outputs past the last have weights of 0.
 * Scratch: for each part its inputs as int32 and their sum.
 * Cost on a Cortex-M0: 2.3 cycles a product, 60 an output, 20 for an output's further part; on a Cortex-M3 1.9, 35, 14.
 */
#ifndef MCUQ_FULLY_CONNECTED_PAIRS_H
#define MCUQ_FULLY_CONNECTED_PAIRS_H

#include <stdint.h>

#include "mcuq_fully_connected_s8_fours.h"

typedef struct {
    mcuq_fully_connected_s8_fours_params layer;
    int32_t parts;
    int32_t part_taps; /* inputs of a part, a multiple of 4 */
} mcuq_fully_connected_pairs_params;

void mcuq_fully_connected_pairs_int4(const mcuq_fully_connected_pairs_params *params, const int8_t *input,
                                     const int32_t *stream, int32_t *scratch, int8_t *output);
void mcuq_fully_connected_pairs_int2(const mcuq_fully_connected_pairs_params *params, const int8_t *input,
                                     const int32_t *stream, int32_t *scratch, int8_t *output);

#endif
