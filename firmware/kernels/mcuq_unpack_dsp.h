/* Weights of four and of two bits, and codes of palettes, unpacked into the stream of mcuq_gemm_dsp.h (DSP extension).
 *
 * A kernel unpacks a few output channels at a time into scratch memory, and its own int8 code reads them there: so it
 * computes at the speed of int8, and each weight is unpacked once for all pixels of the layer.
 *
 * Packed stream: for each group of 4 output channels the codes of all activation pairs, then the constants as they are;
 * seeds of them, where the int8 stream begins a group with some, stand before the codes.
 * The two words of an activation pair (channels 0 and 1, then 2 and 3) hold four weights each, one a byte: even
 * channel, odd channel, for the even activation, then for the odd one. Encodings:
 *   int4       one word for a pair: code w + 8; the first word's codes in the low halves of the bytes, the second's in
 *              the high halves.
 *   palette16  one word for a pair: a byte for each two channels of an activation, the even channel's code low; first
 *              the two bytes of channels 0 and 1. A palette of 16 int8 comes before the first group.
 *   palette4   a byte for each word: codes of two bits in the order of its weights; activation pairs in twos, an odd
 *              count filled up. A palette of 4 int8 comes before the first group.
 *   palettes16 and palettes4: the same with a palette for each channel, four before the codes of each group.
 * Palettes become tables from two codes to a halfword of two weights (mcuq/kernels/narrow_weights.py packs).
 *
 * Scratch: the unpacked groups; for palettes a table of 512 B (16) or 32 B (4).
 * Cost on a Cortex-M4 for each weight: int4 1.7 cycles, palettes 3.3; for each table of palette16 2,000 cycles.
 */
#ifndef MCUQ_UNPACK_DSP_H
#define MCUQ_UNPACK_DSP_H

#include <stdint.h>

#include "mcuq_gemm_dsp.h"

typedef enum {
    mcuq_encoding_int4,
    mcuq_encoding_palette16,
    mcuq_encoding_palettes16,
    mcuq_encoding_palette4,
    mcuq_encoding_palettes4
} mcuq_encoding;

/* Unpacks the groups of gemm->channels channels; the packed groups that follow are at what is returned. */
const int32_t *mcuq_unpack_int4(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed, int32_t *stream);

/* The same. For one palette the table holds what mcuq_palette_table made of it, for palettes it is memory for one. */
const int32_t *mcuq_unpack_palette16(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                     uint16_t *table, int32_t *stream);
const int32_t *mcuq_unpack_palettes16(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                      uint16_t *table, int32_t *stream);
const int32_t *mcuq_unpack_palette4(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                    uint16_t *table, int32_t *stream);
const int32_t *mcuq_unpack_palettes4(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                     uint16_t *table, int32_t *stream);

/* table[odd << bits | even] is the halfword of weights even_palette[even] and odd_palette[odd]. */
void mcuq_palette_table(const int8_t *even_palette, const int8_t *odd_palette, uint32_t bits, uint16_t *table);

/* Makes the table of a layer with one palette; the packed groups are at what is returned. */
MCUQ_ALWAYS_INLINE const int32_t *mcuq_unpack_begin(const int32_t *packed, uint16_t *table,
                                                    const mcuq_encoding encoding)
{
    /* MISRA C:2012 11.3: words are read as the bytes that they hold. */
    const int8_t *const palette = (const int8_t *)packed;
    if (encoding == mcuq_encoding_palette16) {
        mcuq_palette_table(palette, palette, 4U, table);
        return &packed[4];
    }
    if (encoding == mcuq_encoding_palette4) {
        mcuq_palette_table(palette, palette, 2U, table);
        return &packed[1];
    }
    return packed;
}

MCUQ_ALWAYS_INLINE const int32_t *mcuq_unpack(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                              uint16_t *table, int32_t *stream, const mcuq_encoding encoding)
{
    switch (encoding) {
    case mcuq_encoding_palette16:
        return mcuq_unpack_palette16(gemm, seeds, packed, table, stream);
    case mcuq_encoding_palettes16:
        return mcuq_unpack_palettes16(gemm, seeds, packed, table, stream);
    case mcuq_encoding_palette4:
        return mcuq_unpack_palette4(gemm, seeds, packed, table, stream);
    case mcuq_encoding_palettes4:
        return mcuq_unpack_palettes4(gemm, seeds, packed, table, stream);
    case mcuq_encoding_int4:
    default:
        return mcuq_unpack_int4(gemm, seeds, packed, stream);
    }
}

#endif
