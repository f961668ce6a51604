#include "mcuq_fully_connected_mve.h"

#include "mcuq_copy_mve.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

/* 16 positions times four channels. suffix is "" to begin sums, "a" to go on. Sums must be in even registers; loads and
 * products alternate, so that the core can overlap them. */
#define STEP(suffix)                       \
    "vldrb.8 q2, [%[x]], #16\n\t"          \
    "vldrb.8 q0, [%[w]], #16\n\t"          \
    "vmladav" suffix ".s8 r0, q0, q2\n\t"  \
    "vldrb.8 q1, [%[w]], #16\n\t"          \
    "vmladav" suffix ".s8 r2, q1, q2\n\t"  \
    "vldrb.8 q0, [%[w]], #16\n\t"          \
    "vmladav" suffix ".s8 r4, q0, q2\n\t"  \
    "vldrb.8 q1, [%[w]], #16\n\t"          \
    "vmladav" suffix ".s8 r6, q1, q2\n\t"

/* Products of a channel's weights, for mcuq_weights_mve.h. */
#define SUM_0 "r0"
#define SUM_1 "r2"
#define SUM_2 "r4"
#define SUM_3 "r6"
#define PRODUCT(suffix, channel, weights) "vmladav" suffix ".s8 " SUM_##channel ", " weights ", q2\n\t"
#define NARROW(step, suffix) "vldrb.8 q2, [%[x]], #16\n\t" step(PRODUCT, suffix)
#define INT4(suffix) NARROW(MCUQ_STEP_INT4_MVE, suffix)
#define INT2(suffix) NARROW(MCUQ_STEP_INT2_MVE, suffix)
#define PALETTE16(suffix) NARROW(MCUQ_STEP_PALETTE16_MVE, suffix)
#define PALETTE4(suffix) NARROW(MCUQ_STEP_PALETTE4_MVE, suffix)

#define LOOP(step)                 \
    step("")                       \
    "lsrs %[n], %[n], #1\n\t"       \
    "bcc 1f\n\t" step("a")          \
    "1: wls lr, %[n], 3f\n\t"       \
    "2:\n\t" step("a") step("a")    \
    "le lr, 2b\n\t"                 \
    "3:\n\t"
#define LESS(channel, next) "sub " SUM_##next ", " SUM_##next ", " SUM_##channel "\n\t"
#define GATHER                             \
    "vmov %q[s][2], %q[s][0], r0, r4\n\t"   \
    "vmov %q[s][3], %q[s][1], r2, r6\n\t"
#define RESULTS [x] "+&r"(x), [w] "+&r"(w), [n] "+&r"(left), [s] "=w"(sums)
#define CHANGED "r0", "r2", "r4", "r6", "lr", "q0", "q1", "q2", "cc", "memory"

/* The sums of a row with four channels, narrow ones mixed; *weights moves behind them. */
MCUQ_WEIGHTS_INLINE int32x4_t dot_4(const int8_t *x, const int32_t **weights, int32_t vectors, const int8_t *palette,
                                    const mcuq_weights kind)
{
    int32x4_t sums;
    const int32_t *w = *weights;
    int32_t left = vectors - 1;
    const uint8x16_t mask2 = vdupq_n_u8(0x03U);
    const uint8x16_t mask4 = vdupq_n_u8(0x0fU);
    const uint8x16_t mask6 = vdupq_n_u8(0x3fU);
    if (kind == mcuq_weights_int4) {
        __asm volatile(LOOP(INT4) LESS(0, 1) LESS(2, 3) GATHER : RESULTS : [mask4] "w"(mask4) : CHANGED);
    } else if (kind == mcuq_weights_int2) {
        __asm volatile(LOOP(INT2) LESS(2, 3) LESS(1, 2) LESS(0, 1) GATHER
                       : RESULTS
                       : [mask2] "w"(mask2), [mask4] "w"(mask4), [mask6] "w"(mask6)
                       : CHANGED);
    } else if (kind == mcuq_weights_palette16) {
        __asm volatile(LOOP(PALETTE16) GATHER
                       : RESULTS
                       : [palette] "r"(palette), [mask4] "w"(mask4)
                       : CHANGED, "q4", "q5");
    } else if (kind == mcuq_weights_palette4) {
        __asm volatile(LOOP(PALETTE4) GATHER
                       : RESULTS
                       : [palette] "r"(palette), [mask2] "w"(mask2)
                       : CHANGED, "q4", "q5");
    } else {
        __asm volatile(LOOP(STEP) GATHER : RESULTS : : CHANGED);
    }
    *weights = w;
    return sums;
}

MCUQ_WEIGHTS_INLINE void row(const mcuq_fully_connected_mve_params *params, const int8_t *x, const int32_t *stream,
                             const int8_t *palette, int8_t *output, const mcuq_weights kind)
{
    const int32_t vectors = params->vectors;
    const int32_t left_shift = params->left_shift;
    const int32_t right_shift = -params->right_shift;
    const int16x8_t low = vdupq_n_s16((int16_t)params->activation_min);
    const int16x8_t high = vdupq_n_s16((int16_t)params->activation_max);
    int32x4_t offsets = vdupq_n_s32(0);
    if ((kind == mcuq_weights_int4) || (kind == mcuq_weights_int2)) {
        offsets = mcuq_weights_offsets(mcuq_column_sum_mve(x, vectors), kind);
    }

    for (int32_t left = params->outputs; left > 0; left -= 4) {
        const int32x4_t acc = mcuq_weights_sums(dot_4(x, &stream, vectors, palette, kind), offsets, kind);
        const int32x4_t scaled = vaddq_s32(vshlq_r_s32(acc, left_shift), vldrwq_s32(stream));
        const int32x4_t value = vshlq_r_s32(vmulhq_s32(scaled, vldrwq_s32(&stream[4])), right_shift);
        stream += 8;
        /* Each lane's lower half is clamped and stored, its upper half is of no account. */
        int16x8_t halves = vqmovnbq_s32(vreinterpretq_s16_s32(value), value);
        halves = vminq_s16(vmaxq_s16(halves, low), high);
        const int32x4_t bytes = vreinterpretq_s32_s16(halves);
        if (left >= 4) {
            vstrbq_s32(output, bytes);
        } else {
            vstrbq_p_s32(output, bytes, vctp32q((uint32_t)left));
        }
        output += 4;
    }
}

#else

#include "mcuq_requantize.h"

static int32_t wrapped_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static void row(const mcuq_fully_connected_mve_params *params, const int8_t *x, const int32_t *stream,
                const int8_t *palette, int8_t *output, mcuq_weights kind)
{
    const int32_t depth = params->vectors * 16;
    for (int32_t group = 0; group < params->outputs; group += 4) {
        const int32_t *constants = &stream[params->vectors * (mcuq_weights_bytes(kind) / 4)];
        for (int32_t c = 0; (c < 4) && ((group + c) < params->outputs); c++) {
            int32_t acc = 0;
            for (int32_t k = 0; k < depth; k++) {
                acc += (int32_t)x[k] * mcuq_weight_mve(stream, k, c, palette, kind);
            }
            const int32_t scaled = wrapped_sum((int32_t)((uint32_t)acc << (uint32_t)params->left_shift), constants[c]);
            const int32_t product = (int32_t)(((int64_t)scaled * (int64_t)constants[4 + c]) >> 32);
            const int32_t value = product >> params->right_shift;
            output[group + c] = (int8_t)mcuq_clamp(value, params->activation_min, params->activation_max);
        }
        stream = &constants[8];
    }
}

#endif

MCUQ_WEIGHTS_INLINE void run(const mcuq_fully_connected_mve_params *params, const int8_t *input, const int32_t *packed,
                             void *scratch, int8_t *output, const mcuq_weights kind)
{
    int8_t palette[MCUQ_PALETTE];
    const int32_t *const stream = mcuq_weights_begin(packed, palette, kind);
    const int8_t *x = input;
    for (int32_t n = 0; n < params->batches; n++) {
        if (scratch != NULL) {
            mcuq_copy_mve(scratch, input, params->depth);
            x = scratch;
        }
        row(params, x, stream, palette, output, kind);
        input += params->depth;
        x = input;
        output += params->outputs;
    }
}

void mcuq_fully_connected_mve(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                              const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int8);
}

void mcuq_fully_connected_mve_int4(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                   const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int4);
}

void mcuq_fully_connected_mve_int2(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                   const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int2);
}

void mcuq_fully_connected_mve_palette16(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                        const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_palette16);
}

void mcuq_fully_connected_mve_palette4(const mcuq_fully_connected_mve_params *params, const int8_t *input,
                                       const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_palette4);
}
