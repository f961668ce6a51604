#include "mcuq_gemm_mve.h"

#include "mcuq_requantize_mve.h"

#if defined(__ARM_FEATURE_MVE)

/* One step of the sums: 16 positions of two columns times four channels. suffix is "" to begin sums, "a" to go on.
 * The sums must be in even registers. Loads and products alternate, so that the core can overlap them. */
#define STEP(suffix)                          \
    "vldrb.8 q2, [%[x0]], #16\n\t"            \
    "vldrb.8 q0, [%[w]], #16\n\t"             \
    "vmladav" suffix ".s8 r0, q0, q2\n\t"     \
    "vldrb.8 q3, [%[x1]], #16\n\t"            \
    "vmladav" suffix ".s8 r2, q0, q3\n\t"     \
    "vldrb.8 q1, [%[w]], #16\n\t"             \
    "vmladav" suffix ".s8 r4, q1, q2\n\t"     \
    "vldrb.8 q0, [%[w]], #16\n\t"             \
    "vmladav" suffix ".s8 r6, q1, q3\n\t"     \
    "vmladav" suffix ".s8 r8, q0, q2\n\t"     \
    "vldrb.8 q1, [%[w]], #16\n\t"             \
    "vmladav" suffix ".s8 r10, q0, q3\n\t"    \
    "vmladav" suffix ".s8 r12, q1, q2\n\t"    \
    "vmladav" suffix ".s8 lr, q1, q3\n\t"

/* Products of a channel's weights with both columns, for mcuq_weights_mve.h. */
#define SUM_0(column) column("r0", "r2")
#define SUM_1(column) column("r4", "r6")
#define SUM_2(column) column("r8", "r10")
#define SUM_3(column) column("r12", "lr")
#define FIRST(sum0, sum1) sum0
#define SECOND(sum0, sum1) sum1
#define PRODUCTS(suffix, channel, weights)                                        \
    "vmladav" suffix ".s8 " SUM_##channel(FIRST) ", " weights ", q2\n\t"           \
    "vmladav" suffix ".s8 " SUM_##channel(SECOND) ", " weights ", q3\n\t"
#define NARROW(step, suffix) "vldrb.8 q2, [%[x0]], #16\n\tvldrb.8 q3, [%[x1]], #16\n\t" step(PRODUCTS, suffix)
#define INT4(suffix) NARROW(MCUQ_STEP_INT4_MVE, suffix)
#define INT2(suffix) NARROW(MCUQ_STEP_INT2_MVE, suffix)
#define PALETTE16(suffix) NARROW(MCUQ_STEP_PALETTE16_MVE, suffix)
#define PALETTE4(suffix) NARROW(MCUQ_STEP_PALETTE4_MVE, suffix)

#define LOOP(step)           \
    step("")                 \
    "lsrs %[n], %[n], #1\n\t" \
    "bcc 1f\n\t" step("a")    \
    "1: beq 3f\n\t"           \
    "2:\n\t" step("a") step("a") \
    "subs %[n], %[n], #1\n\t" \
    "bne 2b\n\t"              \
    "3:\n\t"
#define LESS(channel, next) \
    "sub " SUM_##next(FIRST) ", " SUM_##next(FIRST) ", " SUM_##channel(FIRST) "\n\t" \
    "sub " SUM_##next(SECOND) ", " SUM_##next(SECOND) ", " SUM_##channel(SECOND) "\n\t"
#define GATHER                                 \
    "vmov %q[s0][2], %q[s0][0], r0, r8\n\t"     \
    "vmov %q[s1][2], %q[s1][0], r2, r10\n\t"    \
    "vmov %q[s0][3], %q[s0][1], r4, r12\n\t"    \
    "vmov %q[s1][3], %q[s1][1], r6, lr\n\t"
#define RESULTS [x0] "+&r"(x0), [x1] "+&r"(x1), [w] "+&r"(w), [n] "+&r"(left), [s0] "=w"(s.column0), [s1] "=w"(s.column1)
#define CHANGED "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q0", "q1", "q2", "q3", "cc", "memory"

typedef struct {
    int32x4_t column0;
    int32x4_t column1;
} sums;

/* The sums of two columns with four channels, narrow ones mixed; *weights moves behind them. Assembly, because eight sums
 * in registers leave none to spare. */
MCUQ_WEIGHTS_INLINE sums dot_4x2(const int8_t *x0, const int8_t *x1, const int32_t **weights, int32_t vectors,
                                 const int8_t *palette, const mcuq_weights kind)
{
    sums s;
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
    return s;
}

/* Four outputs of each of two columns; column 0's bytes are the lanes' lowest, column 1's are 16 bits above. */
static inline __attribute__((always_inline)) int32x4_t outputs_4x2(const mcuq_gemm_mve_params *params, sums s,
                                                                   const int32_t *constants, bool relu)
{
    const int32x4_t bias = vldrwq_s32(constants);
    const int32x4_t multiplier = vldrwq_s32(&constants[4]);
    const int32x4_t shift = vldrwq_s32(&constants[8]);
    const int32x4_t result0 = mcuq_requantize_mve(vaddq_s32(s.column0, bias), multiplier, shift, relu);
    const int32x4_t result1 = mcuq_requantize_mve(vaddq_s32(s.column1, bias), multiplier, shift, relu);
    int16x8_t both = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(result0), result0), result1);
    if (relu) { /* to -128 .. 127 around a zero point of -128 */
        both = vqaddq_n_s16(both, -128);
        return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(both), both));
    }
    both = vqaddq_n_s16(both, (int16_t)params->output_offset);
    both = vmaxq_s16(both, vdupq_n_s16((int16_t)params->activation_min));
    both = vminq_s16(both, vdupq_n_s16((int16_t)params->activation_max));
    return vreinterpretq_s32_s16(both);
}

/* What codes' offsets add to the sums of two columns. */
MCUQ_WEIGHTS_INLINE sums offsets_of(const int8_t *x0, const int8_t *x1, int32_t vectors, const mcuq_weights kind)
{
    sums s = {vdupq_n_s32(0), vdupq_n_s32(0)};
    if ((kind == mcuq_weights_int4) || (kind == mcuq_weights_int2)) {
        s.column0 = mcuq_weights_offsets(mcuq_column_sum_mve(x0, vectors), kind);
        s.column1 = mcuq_weights_offsets(mcuq_column_sum_mve(x1, vectors), kind);
    }
    return s;
}

MCUQ_WEIGHTS_INLINE sums sums_4x2(const int8_t *x0, const int8_t *x1, const int32_t **weights, int32_t vectors,
                                  const int8_t *palette, sums offsets, const mcuq_weights kind)
{
    sums s = dot_4x2(x0, x1, weights, vectors, palette, kind);
    s.column0 = mcuq_weights_sums(s.column0, offsets.column0, kind);
    s.column1 = mcuq_weights_sums(s.column1, offsets.column1, kind);
    return s;
}

MCUQ_WEIGHTS_INLINE void columns(const mcuq_gemm_mve_params *params, const int8_t *column0, int32_t distance,
                                 int32_t count, const int32_t *stream, const int8_t *palette, int8_t *output, bool relu,
                                 const mcuq_weights kind)
{
    const int32_t vectors = params->vectors;
    const int32_t channels = params->channels;
    const int32_t rest = channels & 3;

    for (int32_t left = count; left > 0; left -= 2) {
        const int32_t second = (left > 1) ? 1 : 0; /* a last column is its own second */
        const int8_t *const column1 = &column0[second * distance];
        const sums offsets = offsets_of(column0, column1, vectors, kind);
        int8_t *output1 = &output[second * channels];
        const int8_t *const end = &output[channels - rest];
        const int32_t *weights = stream;
        while (output != end) {
            const sums s = sums_4x2(column0, column1, &weights, vectors, palette, offsets, kind);
            const int32x4_t bytes = outputs_4x2(params, s, weights, relu);
            weights += 12;
            vstrbq_s32(output, bytes);
            vstrbq_s32(output1, vshrq_n_s32(bytes, 16));
            output += 4;
            output1 += 4;
        }
        if (rest != 0) {
            const sums s = sums_4x2(column0, column1, &weights, vectors, palette, offsets, kind);
            const int32x4_t bytes = outputs_4x2(params, s, weights, relu);
            const mve_pred16_t some = vctp32q((uint32_t)rest);
            vstrbq_p_s32(output, bytes, some);
            vstrbq_p_s32(output1, vshrq_n_s32(bytes, 16), some);
        }
        column0 += 2 * distance;
        output = &output1[rest];
    }
}

MCUQ_WEIGHTS_INLINE void run(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                             const int32_t *packed, int8_t *output, const mcuq_weights kind)
{
    int8_t palette[MCUQ_PALETTE];
    const int32_t *const stream = mcuq_weights_begin(packed, palette, kind);
    if (params->relu) {
        columns(params, first, distance, count, stream, palette, output, true, kind);
    } else {
        columns(params, first, distance, count, stream, palette, output, false, kind);
    }
}

#else

static void column(const mcuq_gemm_mve_params *params, const int8_t *x, const int32_t *stream, const int8_t *palette,
                   int8_t *output, mcuq_weights kind)
{
    const int32_t depth = params->vectors * 16;
    for (int32_t group = 0; group < params->channels; group += 4) {
        const int32_t *constants = &stream[params->vectors * (mcuq_weights_bytes(kind) / 4)];
        for (int32_t c = 0; (c < 4) && ((group + c) < params->channels); c++) {
            int32_t acc = constants[c];
            for (int32_t k = 0; k < depth; k++) {
                acc += (int32_t)x[k] * mcuq_weight_mve(stream, k, c, palette, kind);
            }
            const int32_t scaled = mcuq_requantize_mve(acc, constants[4 + c], constants[8 + c], params->relu);
            const int32_t value = params->output_offset + scaled;
            output[group + c] = (int8_t)mcuq_clamp(value, params->activation_min, params->activation_max);
        }
        stream = &constants[12];
    }
}

static void run(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                const int32_t *packed, int8_t *output, mcuq_weights kind)
{
    int8_t palette[MCUQ_PALETTE];
    const int32_t *const stream = mcuq_weights_begin(packed, palette, kind);
    for (int32_t i = 0; i < count; i++) {
        column(params, &first[i * distance], stream, palette, &output[i * params->channels], kind);
    }
}

#endif

void mcuq_gemm_mve(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                   const int32_t *stream, int8_t *output)
{
    run(params, first, distance, count, stream, output, mcuq_weights_int8);
}

void mcuq_gemm_mve_int4(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                        const int32_t *stream, int8_t *output)
{
    run(params, first, distance, count, stream, output, mcuq_weights_int4);
}

void mcuq_gemm_mve_int2(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                        const int32_t *stream, int8_t *output)
{
    run(params, first, distance, count, stream, output, mcuq_weights_int2);
}

void mcuq_gemm_mve_palette16(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                             const int32_t *stream, int8_t *output)
{
    run(params, first, distance, count, stream, output, mcuq_weights_palette16);
}

void mcuq_gemm_mve_palette4(const mcuq_gemm_mve_params *params, const int8_t *first, int32_t distance, int32_t count,
                            const int32_t *stream, int8_t *output)
{
    run(params, first, distance, count, stream, output, mcuq_weights_palette4);
}
