/* Fully connected layers of int8 activations with weights of four or two bits or of a palette, for cores with the DSP
 * extension. Formula, rounding and order of activations: mcuq_fully_connected_s8_dsp.h. Weights are unpacked in
 * registers, since each is used once.
 *
 * Packed stream: for each group of 8 outputs the codes of all activation pairs, then 8 biases and 8 multipliers.
 *   int4       two words for a pair, the second for outputs 4 to 7. A halfword, the low one of the even activation, is
 *              4096 * w3 + 256 * (w2 + 8) + 16 * (w1 + 8) + (w0 + 8): SMLAD of the word, of its bytes 0 and 2, and of
 *              single codes under masks that instructions hold give four sums mixed by powers of 16. Needs
 *              |sum| < 2^19 for outputs 3 and 7 of a group, which is proven from the weights.
 *   int2       one word for a pair: a halfword holds the codes w + 2 of 8 outputs, output 0 lowest; masks as before.
 *   palette16  8 bytes for a pair, one for each output: the code of the even activation, and 16 times that of the odd.
 *              16 int8 come before the first group. A table in scratch memory makes a word of two weights of a byte.
 *   palette4   4 bytes for a pair, one for each two outputs: codes of two bits, of the even activation the even output
 *              lowest, then of the odd one; 4 int8 come before the first group. The table makes a word of four weights,
 *              two in a halfword as in mcuq_gemm_dsp.h.
 * What the offsets of the codes add is taken away with the sum of all activations, once a row.
 *
 * Scratch: one row of the input as int16, 8 bytes for each 4 activations; for palettes a table of 1,024 B before it.
 * The output may lie over the input where there is one row (it is copied first).
 * Cost on a Cortex-M4 for 8 outputs and 2 activations: int4 18 cycles (1.13 a product), int2 19 (1.19), palette4 23
 * (1.44), palette16 29 (1.81); 8 for every 16 activations, about 110 for the 8 outputs; for a table 1,500.
 */
#ifndef MCUQ_FULLY_CONNECTED_NARROW_H
#define MCUQ_FULLY_CONNECTED_NARROW_H

#include <stdint.h>

#include "mcuq_fully_connected_s8_dsp.h"

void mcuq_fully_connected_int4(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                               const int32_t *packed, uint32_t *scratch, int8_t *output);

void mcuq_fully_connected_int2(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                               const int32_t *packed, uint32_t *scratch, int8_t *output);

void mcuq_fully_connected_palette16(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                                    const int32_t *packed, uint32_t *scratch, int8_t *output);

void mcuq_fully_connected_palette4(const mcuq_fully_connected_s8_dsp_params *params, const int8_t *input,
                                   const int32_t *packed, uint32_t *scratch, int8_t *output);

#endif
