/* Fully connected layer as mcuq_fully_connected_s8, with weights of four or two bits.
 *
 * The formula and rounding are mcuq_fully_connected_s8's, with weights[o,i] = palette[code]. Each output's weights are
 * unpacked once into scratch memory and then used for all batches.
 *
 * Layouts: as mcuq_fully_connected_s8; codes outputs x ((depth * bits + 7) / 8) bytes (mcuq_unpack_codes.h).
 * Scratch: depth bytes. Cost: as mcuq_fully_connected_s8, and about 10 instructions a weight.
 */
#ifndef MCUQ_FULLY_CONNECTED_CODES_H
#define MCUQ_FULLY_CONNECTED_CODES_H

#include <stdint.h>

#include "mcuq_fully_connected_s8.h"

void mcuq_fully_connected_codes(const mcuq_fully_connected_s8_params *params, int32_t bits, const int8_t *input,
                                const uint8_t *codes, const int8_t *palette, const int32_t *bias,
                                const int32_t *multipliers, const int32_t *shifts, void *scratch, int8_t *output);

#endif
