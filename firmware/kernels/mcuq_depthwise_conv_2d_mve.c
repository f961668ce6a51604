#include "mcuq_depthwise_conv_2d_mve.h"

#include "mcuq_requantize_mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Sums of 16 channels, in the order of the stream's constants. */
typedef struct {
    int32x4_t bytes0; /* channels 0, 4, 8, 12 */
    int32x4_t bytes2;
    int32x4_t bytes1;
    int32x4_t bytes3;
} sums;

/* q0 and q1 hold sums of channels 0, 2, 4 .. and 1, 3, 5 .. in 16 bits: to the sums in 32 bits. */
#define WIDEN                            \
    "vmovlb.s16 q2, q0\n\t"              \
    "vadd.i32 %q[s0], %q[s0], q2\n\t"    \
    "vmovlt.s16 q3, q0\n\t"              \
    "vadd.i32 %q[s2], %q[s2], q3\n\t"    \
    "vmovlb.s16 q2, q1\n\t"              \
    "vadd.i32 %q[s1], %q[s1], q2\n\t"    \
    "vmovlt.s16 q3, q1\n\t"              \
    "vadd.i32 %q[s3], %q[s3], q3\n\t"

/* The products of one tap. */
#define TAP                              \
    "vldrb.8 q2, [%[x]]\n\t"             \
    "add %[x], %[x], %[step]\n\t"        \
    "vldrb.8 q3, [%[w]], #16\n\t"        \
    "vmullb.s8 q0, q2, q3\n\t"           \
    "vmullt.s8 q1, q2, q3\n\t"

/* 16 channels of a window, step bytes from tap to tap. Assembly, because nine vectors are wanted and eight are there: the
 * second tap's activations are loaded twice. *stream moves behind the weights. */
static inline __attribute__((always_inline)) sums window_sums(const int8_t *x, int32_t step, int32_t taps,
                                                              const int32_t **stream)
{
    sums s;
    const int32_t *w = *stream;
    int32_t left = taps;
    __asm volatile("vldrw.32 %q[s0], [%[w]], #16\n\t"
                   "vldrw.32 %q[s2], [%[w]], #16\n\t"
                   "vldrw.32 %q[s1], [%[w]], #16\n\t"
                   "vldrw.32 %q[s3], [%[w]], #16\n\t"
                   "lsrs %[n], %[n], #1\n\t"
                   "bcc 1f\n\t" TAP WIDEN
                   "1: wls lr, %[n], 3f\n\t"
                   "2:\n\t" TAP
                   "vldrb.8 q2, [%[x]]\n\t"
                   "vldrb.8 q3, [%[w]], #16\n\t"
                   "vmullb.s8 q2, q2, q3\n\t"
                   "vadd.i16 q0, q0, q2\n\t"
                   "vldrb.8 q2, [%[x]]\n\t"
                   "add %[x], %[x], %[step]\n\t"
                   "vmullt.s8 q2, q2, q3\n\t"
                   "vadd.i16 q1, q1, q2\n\t" WIDEN
                   "le lr, 2b\n\t"
                   "3:\n\t"
                   : [x] "+r"(x), [w] "+r"(w), [n] "+r"(left), [s0] "=&w"(s.bytes0), [s2] "=&w"(s.bytes2),
                     [s1] "=&w"(s.bytes1), [s3] "=&w"(s.bytes3)
                   : [step] "r"(step)
                   : "lr", "q0", "q1", "q2", "q3", "cc", "memory");
    *stream = w;
    return s;
}

static inline __attribute__((always_inline)) int16x8_t clamped(const mcuq_depthwise_conv_2d_mve_params *params,
                                                               int16x8_t values, bool relu)
{
    if (relu) {
        return vqaddq_n_s16(values, -128);
    }
    const int16x8_t value = vmaxq_s16(vqaddq_n_s16(values, (int16_t)params->output_offset),
                                      vdupq_n_s16((int16_t)params->activation_min));
    return vminq_s16(value, vdupq_n_s16((int16_t)params->activation_max));
}

/* Outputs of 16 channels; constants are multipliers and shifts. */
static inline __attribute__((always_inline)) int8x16_t outputs_16(const mcuq_depthwise_conv_2d_mve_params *params,
                                                                  sums s, const int32_t *constants, bool relu)
{
    const int32x4_t b0 = mcuq_requantize_mve(s.bytes0, vldrwq_s32(constants), vldrwq_s32(&constants[4]), relu);
    const int32x4_t b2 = mcuq_requantize_mve(s.bytes2, vldrwq_s32(&constants[8]), vldrwq_s32(&constants[12]), relu);
    const int16x8_t even = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(b0), b0), b2);
    const int32x4_t b1 = mcuq_requantize_mve(s.bytes1, vldrwq_s32(&constants[16]), vldrwq_s32(&constants[20]), relu);
    const int32x4_t b3 = mcuq_requantize_mve(s.bytes3, vldrwq_s32(&constants[24]), vldrwq_s32(&constants[28]), relu);
    const int16x8_t odd = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(b1), b1), b3);
    const int8x16_t bytes = vqmovnbq_s16(vreinterpretq_s8_s16(even), clamped(params, even, relu));
    return vqmovntq_s16(bytes, clamped(params, odd, relu));
}

static inline __attribute__((always_inline)) void pixels(const mcuq_depthwise_conv_2d_mve_params *params,
                                                         const int8_t *window, const int32_t *stream, int8_t *output,
                                                         bool relu)
{
    const int32_t channels = params->window.channels;
    const int32_t distance = params->stride_width * params->window.window_height * channels;
    const int32_t taps = params->taps;
    const int32_t rest = channels & 15;

    for (int32_t x = params->output_width; x > 0; x--) {
        const int32_t *constants = stream;
        const int8_t *in = window;
        const int8_t *const end = &output[channels - rest];
        while (output != end) {
            const sums s = window_sums(in, channels, taps, &constants);
            vstrbq_s8(output, outputs_16(params, s, constants, relu));
            constants += 32;
            in += 16;
            output += 16;
        }
        if (rest != 0) {
            const sums s = window_sums(in, channels, taps, &constants);
            vstrbq_p_s8(output, outputs_16(params, s, constants, relu), vctp8q((uint32_t)rest));
            output += rest;
        }
        window += distance;
    }
}

#else

static const uint8_t CHANNELS[16] = {0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15};

static void pixel(const mcuq_depthwise_conv_2d_mve_params *params, const int8_t *window, const int32_t *stream,
                  int8_t *output, bool relu)
{
    const int32_t channels = params->window.channels;
    for (int32_t group = 0; group < channels; group += 16) {
        const int8_t *weights = (const int8_t *)&stream[16];
        const int32_t *constants = &stream[16 + (params->taps * 4)];
        for (int32_t i = 0; i < 16; i++) {
            const int32_t c = CHANNELS[i];
            if ((group + c) >= channels) {
                continue;
            }
            int32_t acc = stream[i];
            for (int32_t tap = 0; tap < params->taps; tap++) {
                acc += (int32_t)window[(tap * channels) + group + c] * (int32_t)weights[(tap * 16) + c];
            }
            const int32_t *const factor = &constants[((i / 4) * 8) + (i % 4)];
            const int32_t value = params->output_offset + mcuq_requantize_mve(acc, factor[0], factor[4], relu);
            output[group + c] = (int8_t)mcuq_clamp(value, params->activation_min, params->activation_max);
        }
        stream = &constants[32];
    }
}

static void pixels(const mcuq_depthwise_conv_2d_mve_params *params, const int8_t *window, const int32_t *stream,
                   int8_t *output, bool relu)
{
    const int32_t channels = params->window.channels;
    const int32_t distance = params->stride_width * params->window.window_height * channels;
    for (int32_t x = 0; x < params->output_width; x++) {
        pixel(params, &window[x * distance], stream, &output[x * channels], relu);
    }
}

#endif

void mcuq_depthwise_conv_2d_mve(const mcuq_depthwise_conv_2d_mve_params *params, const int8_t *input,
                                const int32_t *stream, void *scratch, int8_t *output)
{
    const mcuq_window_mve *const window = &params->window;
    for (int32_t n = 0; n < params->batches; n++) {
        for (int32_t y = 0; y < params->output_height; y++) {
            const int8_t *const row = mcuq_window_mve_row(window, input, y, scratch);
            if (params->relu) {
                pixels(params, row, stream, output, true);
            } else {
                pixels(params, row, stream, output, false);
            }
            output += params->output_width * window->channels;
        }
        input += window->input_height * window->input_width * window->channels;
    }
}
