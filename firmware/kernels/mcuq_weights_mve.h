/* Weights of mcuq's products on Helium (MVE): int8, or codes of four or two bits, which are taken apart in vectors.
 *
 * For each 16 positions of four output channels 0 .. 3 a stream holds
 *   int8       64 bytes: the weights of channel 0, of 1, 2, 3
 *   int4       32 bytes: 16 * w1 + (w0 + 8) of each position, then the same of channels 2 and 3; w is -8 .. 7
 *   int2       16 bytes: 64 * w3 + 16 * (w2 + 2) + 4 * (w1 + 2) + (w0 + 2); w is -2 .. 1
 *   palette16  32 bytes: 16 * code1 + code0 of each position, then of channels 2 and 3; 16 int8 precede the stream
 *   palette4   16 bytes: 64 * code3 + 16 * code2 + 4 * code1 + code0; 4 int8 precede the stream
 * A product of the bytes as they are, and products of their lower bits, under masks, are sums of several channels: a
 * channel's are what one such sum has more than the next, shifted right (no sum of a whole byte's leaves 32 bits, which is
 * proven when code is generated). What 8 or 2 added is taken away with the sum of the activations. Codes of palettes
 * are looked up, 16 at once.
 *
 * Cost on a Cortex-M55: for 16 positions of four channels instructions beside the products int8 4, int4 4, int2 4,
 * palette16 10, palette4 11.
 */
#ifndef MCUQ_WEIGHTS_MVE_H
#define MCUQ_WEIGHTS_MVE_H

#include <stdint.h>
#include <string.h>

#define MCUQ_WEIGHTS_INLINE static inline __attribute__((always_inline))

/* A literal wherever it is an argument. */
typedef enum {
    mcuq_weights_int8,
    mcuq_weights_int4,
    mcuq_weights_int2,
    mcuq_weights_palette16,
    mcuq_weights_palette4
} mcuq_weights;

enum { MCUQ_PALETTE = 16 };

/* Bytes of a stream for 16 positions of four channels. */
MCUQ_WEIGHTS_INLINE int32_t mcuq_weights_bytes(const mcuq_weights kind)
{
    const int32_t bits = (kind == mcuq_weights_int8)                                         ? 8
                         : ((kind == mcuq_weights_int4) || (kind == mcuq_weights_palette16)) ? 4
                                                                                             : 2;
    return 8 * bits;
}

/* The stream behind its palette, which is copied: look-ups in flash would be slow. */
MCUQ_WEIGHTS_INLINE const int32_t *mcuq_weights_begin(const int32_t *packed, int8_t palette[MCUQ_PALETTE],
                                                      const mcuq_weights kind)
{
    if (kind == mcuq_weights_palette16) {
        (void)memcpy(palette, packed, 16U);
        return &packed[4];
    }
    if (kind == mcuq_weights_palette4) {
        (void)memcpy(palette, packed, 4U);
        return &packed[1];
    }
    return packed;
}

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

/* Steps: 16 positions of four channels. PRODUCT(suffix, channel, weights) is what is done with the weights of a channel,
 * suffix is "" to begin sums, "a" to go on. w points to the weights, palette to that; q2 and q3 are for activations. */
#define MCUQ_LOAD_MVE "vldrb.8 q0, [%[w]], #16\n\t"
#define MCUQ_LOOK_UP_MVE(to) "vldrb.u8 " to ", [%[palette], q1]\n\t"

#define MCUQ_MASKED_MVE(mask) "vand q1, q0, %q[" mask "]\n\t"
#define MCUQ_TWO_INT4_MVE(PRODUCT, suffix, c0, c1) \
    MCUQ_LOAD_MVE PRODUCT(suffix, c1, "q0") MCUQ_MASKED_MVE("mask4") PRODUCT(suffix, c0, "q1")
#define MCUQ_STEP_INT4_MVE(PRODUCT, suffix) \
    MCUQ_TWO_INT4_MVE(PRODUCT, suffix, 0, 1) MCUQ_TWO_INT4_MVE(PRODUCT, suffix, 2, 3)

#define MCUQ_STEP_INT2_MVE(PRODUCT, suffix)                                                                \
    MCUQ_LOAD_MVE PRODUCT(suffix, 3, "q0") MCUQ_MASKED_MVE("mask6") PRODUCT(suffix, 2, "q1")               \
    MCUQ_MASKED_MVE("mask4") PRODUCT(suffix, 1, "q1") MCUQ_MASKED_MVE("mask2") PRODUCT(suffix, 0, "q1")

#define MCUQ_TWO_PALETTE16_MVE(PRODUCT, suffix, c0, c1)                                              \
    MCUQ_LOAD_MVE MCUQ_MASKED_MVE("mask4") MCUQ_LOOK_UP_MVE("q4") PRODUCT(suffix, c0, "q4")          \
    "vshr.u8 q1, q0, #4\n\t" MCUQ_LOOK_UP_MVE("q5") PRODUCT(suffix, c1, "q5")
#define MCUQ_STEP_PALETTE16_MVE(PRODUCT, suffix) \
    MCUQ_TWO_PALETTE16_MVE(PRODUCT, suffix, 0, 1) MCUQ_TWO_PALETTE16_MVE(PRODUCT, suffix, 2, 3)

#define MCUQ_SHIFTED_MVE(bits) "vshr.u8 q1, q0, #" bits "\n\t"
#define MCUQ_STEP_PALETTE4_MVE(PRODUCT, suffix)                                                                        \
    MCUQ_LOAD_MVE MCUQ_MASKED_MVE("mask2") MCUQ_LOOK_UP_MVE("q4") PRODUCT(suffix, 0, "q4")                             \
    MCUQ_SHIFTED_MVE("2") "vand q1, q1, %q[mask2]\n\t" MCUQ_LOOK_UP_MVE("q5") PRODUCT(suffix, 1, "q5")                 \
    MCUQ_SHIFTED_MVE("4") "vand q1, q1, %q[mask2]\n\t" MCUQ_LOOK_UP_MVE("q4") PRODUCT(suffix, 2, "q4")                 \
    MCUQ_SHIFTED_MVE("6") MCUQ_LOOK_UP_MVE("q5") PRODUCT(suffix, 3, "q5")

/* What is added to the sums of four channels for their codes' offsets; sum is that of the activations. */
MCUQ_WEIGHTS_INLINE int32x4_t mcuq_weights_offsets(int32_t sum, const mcuq_weights kind)
{
    static const int32_t int4[4] = {-8, 0, -8, 0};
    static const int32_t int2[4] = {-2, -2, -2, 0};
    return vmulq_n_s32(vldrwq_s32((kind == mcuq_weights_int4) ? int4 : int2), sum);
}

/* The sums of four channels, of what their mixed sums have more than the next; offsets is not read for other kinds. */
MCUQ_WEIGHTS_INLINE int32x4_t mcuq_weights_sums(int32x4_t differences, int32x4_t offsets, const mcuq_weights kind)
{
    static const int32_t int4[4] = {0, -4, 0, -4};
    static const int32_t int2[4] = {0, -2, -4, -6};
    if ((kind != mcuq_weights_int4) && (kind != mcuq_weights_int2)) {
        return differences;
    }
    return vaddq_s32(vshlq_s32(differences, vldrwq_s32((kind == mcuq_weights_int4) ? int4 : int2)), offsets);
}

/* The sum of a column. */
MCUQ_WEIGHTS_INLINE int32_t mcuq_column_sum_mve(const int8_t *x, int32_t vectors)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < vectors; i++) {
        sum = vaddvaq_s8(sum, vldrbq_s8(&x[16 * i]));
    }
    return sum;
}

#else

/* Twin in C: the weight of position k of channel c of a group. */
static inline int32_t mcuq_weight_mve(const int32_t *group, int32_t k, int32_t c, const int8_t *palette,
                                      mcuq_weights kind)
{
    const uint8_t *const bytes = &((const uint8_t *)group)[(k / 16) * mcuq_weights_bytes(kind)];
    const int32_t lane = k % 16;
    if (kind == mcuq_weights_int8) {
        return (int32_t)((const int8_t *)bytes)[(16 * c) + lane];
    }
    if (mcuq_weights_bytes(kind) == 32) {
        const int32_t byte = bytes[(16 * (c / 2)) + lane];
        const int32_t code = ((c % 2) == 0) ? (byte & 15) : (byte >> 4);
        if (kind == mcuq_weights_palette16) {
            return palette[code];
        }
        return ((c % 2) == 0) ? (code - 8) : ((code ^ 8) - 8);
    }
    const int32_t code = (bytes[lane] >> (2 * c)) & 3;
    if (kind == mcuq_weights_palette4) {
        return palette[code];
    }
    return (c == 3) ? ((code ^ 2) - 2) : (code - 2);
}

#endif

#endif
