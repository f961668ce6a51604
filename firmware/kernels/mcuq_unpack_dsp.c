#include "mcuq_unpack_dsp.h"

static inline int32_t groups_of(const mcuq_gemm_params *gemm)
{
    return (gemm->channels + 3) / 4;
}

/* Words of a group that stand as they are before its codes and before its weights, or behind both. */
static const int32_t *copy(const int32_t *from, int32_t *to, int32_t words)
{
    for (int32_t i = 0; i < words; i++) {
        to[i] = from[i];
    }
    return &from[words];
}

static inline int32_t constant_words(const mcuq_gemm_params *gemm, int32_t seeds)
{
    return (gemm->twice ? 16 : 8) - seeds;
}

static inline void unpack_pair(const int32_t *from, int32_t *to)
{
    const uint32_t codes = (uint32_t)*from;
    to[0] = (int32_t)mcuq_ssub16(codes & 0x0f0f0f0fU, 0x08080808U);
    to[1] = (int32_t)mcuq_ssub16((codes >> 4) & 0x0f0f0f0fU, 0x08080808U);
}

const int32_t *mcuq_unpack_int4(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed, int32_t *stream)
{
    const int32_t constants = constant_words(gemm, seeds);
    const int32_t *from = packed;
    int32_t *to = stream;
    for (int32_t group = groups_of(gemm); group > 0; group--) {
        int32_t left = gemm->pairs;
        from = copy(from, to, seeds);
        to = &to[seeds];
        for (; left > 1; left -= 2) {
            unpack_pair(from, to);
            unpack_pair(&from[1], &to[2]);
            from += 2;
            to += 4;
        }
        if (left > 0) {
            unpack_pair(from, to);
            from += 1;
            to += 2;
        }
        from = copy(from, to, constants);
        to = &to[constants];
    }
    return from;
}

void mcuq_palette_table(const int8_t *even_palette, const int8_t *odd_palette, uint32_t bits, uint16_t *table)
{
    const uint32_t colours = 1U << bits;
    uint16_t *to = table;
    for (uint32_t odd = 0U; odd < colours; odd++) {
        const int32_t upper = 256 * (int32_t)odd_palette[odd];
        for (uint32_t even = 0U; even < colours; even++) {
            *to = (uint16_t)(upper + (int32_t)even_palette[even]);
            to++;
        }
    }
}

/* The words of two channels for all activation pairs, every other one of the stream. Codes of 4 bits are two bytes of
 * each four, codes of 2 bits one byte of each two. */
MCUQ_ALWAYS_INLINE void look_up(const uint8_t *codes, const uint16_t *table, int32_t *to, int32_t pairs,
                                const uint32_t bits)
{
    for (int32_t i = 0; i < pairs; i++) {
        const uint32_t byte = codes[(int32_t)bits * i];
        const uint32_t low = table[(bits == 4U) ? byte : (byte & 15U)];
        const uint32_t high = table[(bits == 4U) ? codes[(4 * i) + 1] : (byte >> 4)];
        to[2 * i] = (int32_t)(low | (high << 16));
    }
}

/* All groups; own: each channel has its own palette. bits and own are literals. */
MCUQ_ALWAYS_INLINE const int32_t *unpack(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                         uint16_t *table, int32_t *stream, const uint32_t bits, const bool own)
{
    const int32_t pairs = gemm->pairs;
    const int32_t palette_bytes = own ? (int32_t)(1U << bits) : 0;
    const int32_t code_words = (bits == 4U) ? pairs : ((pairs + 1) / 2);
    const int32_t constants = constant_words(gemm, seeds);
    const int32_t *from = packed;
    int32_t *to = stream;
    for (int32_t group = groups_of(gemm); group > 0; group--) {
        from = copy(from, to, seeds);
        to = &to[seeds];
        /* MISRA C:2012 11.3: words are read as the bytes that they hold. */
        const int8_t *const palettes = (const int8_t *)from;
        const uint8_t *const codes = (const uint8_t *)&from[palette_bytes];
        if (own) {
            mcuq_palette_table(palettes, &palettes[palette_bytes], bits, table);
        }
        look_up(codes, table, to, pairs, bits);
        if (own) {
            mcuq_palette_table(&palettes[2 * palette_bytes], &palettes[3 * palette_bytes], bits, table);
        }
        look_up(&codes[bits / 2U], table, &to[1], pairs, bits);
        to = &to[2 * pairs];
        from = copy(&from[palette_bytes + code_words], to, constants);
        to = &to[constants];
    }
    return from;
}

const int32_t *mcuq_unpack_palette16(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                     uint16_t *table, int32_t *stream)
{
    return unpack(gemm, seeds, packed, table, stream, 4U, false);
}

const int32_t *mcuq_unpack_palettes16(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                      uint16_t *table, int32_t *stream)
{
    return unpack(gemm, seeds, packed, table, stream, 4U, true);
}

const int32_t *mcuq_unpack_palette4(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                    uint16_t *table, int32_t *stream)
{
    return unpack(gemm, seeds, packed, table, stream, 2U, false);
}

const int32_t *mcuq_unpack_palettes4(const mcuq_gemm_params *gemm, int32_t seeds, const int32_t *packed,
                                     uint16_t *table, int32_t *stream)
{
    return unpack(gemm, seeds, packed, table, stream, 2U, true);
}
