/* 2-D convolution as mcuq_conv_2d_s8, not grouped, with weights of four or two bits.
 *
 * The formula and rounding are mcuq_conv_2d_s8's, with weights[o,ky,kx,i] = palette[code]. Each filter is unpacked once
 * into scratch memory and then used for all pixels.
 *
 * Layouts: as mcuq_conv_2d_s8; codes O x ((HWI * bits + 7) / 8) bytes (mcuq_unpack_codes.h).
 * Scratch: filter_height * filter_width * input_channels bytes. The output must not overlap the input.
 * Cost: as mcuq_conv_2d_s8, and about 10 instructions a weight.
 */
#ifndef MCUQ_CONV_2D_CODES_H
#define MCUQ_CONV_2D_CODES_H

#include <stdint.h>

#include "mcuq_conv_2d_s8.h"

void mcuq_conv_2d_codes(const mcuq_conv_2d_s8_params *params, int32_t bits, const int8_t *input, const uint8_t *codes,
                        const int8_t *palette, const int32_t *bias, const int32_t *multipliers, const int32_t *shifts,
                        void *scratch, int8_t *output);

#endif
