/* Weights of four or two bits each, as indices into a palette: least significant bits of a byte first.
 * For kernels that run on every core; cores with DSP instructions have quicker ways (mcuq_unpack_dsp.h).
 */
#ifndef MCUQ_UNPACK_CODES_H
#define MCUQ_UNPACK_CODES_H

#include <stdint.h>

/* Writes count weights. bits is 4 or 2; palette has 16 or 4 entries; codes has (count * bits + 7) / 8 bytes. */
static inline void mcuq_unpack_codes(const uint8_t *codes, const int8_t *palette, int32_t bits, int32_t count,
                                     int8_t *weights)
{
    const uint32_t mask = (1U << (uint32_t)bits) - 1U;
    uint32_t left = 0U;
    int32_t unused = 0;
    for (int32_t i = 0; i < count; i++) {
        if (unused == 0) {
            left = *codes;
            codes++;
            unused = 8;
        }
        weights[i] = palette[left & mask];
        left >>= (uint32_t)bits;
        unused -= bits;
    }
}

#endif
