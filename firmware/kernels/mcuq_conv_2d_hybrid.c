#include "mcuq_conv_2d_hybrid.h"

#include "mcuq_f32.h"
#include "mcuq_window_f32.h"

/* What int8 values stand for: scale * (q - zero). */
typedef struct {
    float scale;
    int32_t zero;
} quantization;

/* Halves away from zero, between low and high; not a number gives low. */
static inline int32_t rounded(double x, int32_t low, int32_t high)
{
    if (!(x > (double)low)) {
        return low;
    }
    if (x >= (double)high) {
        return high;
    }
    const int32_t whole = (int32_t)x;
    const double rest = x - (double)whole;
    return whole + ((rest >= 0.5) ? 1 : 0) - ((rest <= -0.5) ? 1 : 0);
}

/* The same in single precision, which an FPU has. */
static inline int32_t rounded_f32(float x, int32_t low, int32_t high)
{
    if (!(x > (float)low)) {
        return low;
    }
    if (x >= (float)high) {
        return high;
    }
    const int32_t whole = (int32_t)x;
    const float rest = x - (float)whole;
    return whole + ((rest >= 0.5F) ? 1 : 0) - ((rest <= -0.5F) ? 1 : 0);
}

static int32_t zero_point(float low, float high, double scale)
{
    const double of_low = (double)low / scale;
    const double of_high = (double)high / scale;
    const double low_error = 128.0 - of_low; /* low is no more than 0, high no less */
    const double high_error = 127.0 + of_high;
    return rounded((low_error < high_error) ? (-128.0 - of_low) : (127.0 - of_high), -128, 127);
}

static quantization quantize(const float *input, int32_t elements, int32_t asymmetric, int8_t *q)
{
    float low = 0.0F;
    float high = 0.0F;
    for (int32_t i = 0; i < elements; i++) {
        low = (input[i] < low) ? input[i] : low;
        high = (input[i] > high) ? input[i] : high;
    }
    quantization found = {1.0F, 0};
    float inverse = 0.0F;
    int32_t least = -128;
    if (low == high) {
        /* all are 0 */
    } else if (asymmetric != 0) {
        const double scale = (double)(high - low) / 255.0;
        found.scale = (float)scale;
        found.zero = zero_point(low, high, scale);
        inverse = (found.scale == 0.0F) ? 0.0F : (1.0F / found.scale);
    } else {
        const float most = (-low > high) ? -low : high;
        found.scale = most / 127.0F;
        inverse = 127.0F / most;
        least = -127;
    }
    for (int32_t i = 0; i < elements; i++) {
        q[i] = (int8_t)(found.zero + rounded_f32(input[i] * inverse, least - found.zero, 127 - found.zero));
    }
    return found;
}

/* Sums of a window for `count` outputs, 4 or 1; filters lie `filter` weights apart. */
static inline void add_window(const mcuq_conv_2d_f32_params *p, const mcuq_window_f32 *at, const int8_t *q, int32_t zero,
                              const int8_t *weights, int32_t count, int32_t *sums)
{
    const int32_t depth = p->filter_channels;
    const int32_t filter = p->filter_height * p->filter_width * depth;
    int32_t sum_0 = 0;
    int32_t sum_1 = 0;
    int32_t sum_2 = 0;
    int32_t sum_3 = 0;
    for (int32_t ky = at->rows.first; ky < at->rows.end; ky++) {
        for (int32_t kx = at->columns.first; kx < at->columns.end; kx++) {
            const int8_t *in = &q[mcuq_window_f32_tap(p, at, ky, kx)];
            const int8_t *w_0 = &weights[((ky * p->filter_width) + kx) * depth];
            if (count == 1) {
                for (int32_t i = 0; i < depth; i++) {
                    sum_0 += ((int32_t)in[i] - zero) * w_0[i];
                }
            } else {
                const int8_t *w_1 = &w_0[filter];
                const int8_t *w_2 = &w_1[filter];
                const int8_t *w_3 = &w_2[filter];
                for (int32_t i = 0; i < depth; i++) {
                    const int32_t x = (int32_t)in[i] - zero;
                    sum_0 += x * w_0[i];
                    sum_1 += x * w_1[i];
                    sum_2 += x * w_2[i];
                    sum_3 += x * w_3[i];
                }
            }
        }
    }
    sums[0] = sum_0;
    if (count != 1) {
        sums[1] = sum_1;
        sums[2] = sum_2;
        sums[3] = sum_3;
    }
}

static inline float finished(const mcuq_conv_2d_hybrid_params *p, int32_t sum, float own, float scale, float bias)
{
    const float a = (float)sum;
    const float scaled = (p->scales_first != 0) ? (a * (own * scale)) : ((a * own) * scale);
    return mcuq_clamp_f32(scaled + bias, p->conv.activation_min, p->conv.activation_max);
}

void mcuq_conv_2d_hybrid(const mcuq_conv_2d_hybrid_params *params, const float *input, const int8_t *weights,
                         const float *scales, const float *bias, void *scratch, float *output)
{
    const mcuq_conv_2d_hybrid_params p = *params;
    const int32_t image = p.conv.input_height * p.conv.input_width * p.conv.input_channels;
    const int32_t filter = p.conv.filter_height * p.conv.filter_width * p.conv.filter_channels;
    int8_t *q = scratch;

    for (int32_t n = 0; n < p.conv.batches; n++) {
        const quantization of = quantize(&input[n * image], image, p.asymmetric, q);
        for (int32_t y = 0; y < p.conv.output_height; y++) {
            for (int32_t x = 0; x < p.conv.output_width; x++) {
                const mcuq_window_f32 at = mcuq_window_f32_at(&p.conv, y, x);
                int32_t o = 0;
                while (o < p.conv.output_channels) {
                    int32_t sums[4];
                    const int32_t count = ((o + 4) <= p.conv.output_channels) ? 4 : 1;
                    if (count == 4) {
                        add_window(&p.conv, &at, q, of.zero, &weights[o * filter], 4, sums);
                    } else {
                        add_window(&p.conv, &at, q, of.zero, &weights[o * filter], 1, sums);
                    }
                    for (int32_t i = 0; i < count; i++) {
                        *output = finished(&p, sums[i], scales[o + i], of.scale, bias[o + i]);
                        output++;
                    }
                    o += count;
                }
            }
        }
    }
}

static inline void add_tap(const int8_t *in, int32_t zero, const int8_t *w, int32_t channels, int32_t multiplier,
                           int32_t *sums)
{
    if (multiplier == 1) {
        for (int32_t i = 0; i < channels; i++) {
            sums[i] += ((int32_t)in[i] - zero) * w[i];
        }
        return;
    }
    for (int32_t i = 0; i < channels; i++) {
        for (int32_t j = 0; j < multiplier; j++) {
            sums[(i * multiplier) + j] += ((int32_t)in[i] - zero) * w[(i * multiplier) + j];
        }
    }
}

void mcuq_depthwise_conv_2d_hybrid(const mcuq_conv_2d_hybrid_params *params, const float *input, const int8_t *weights,
                                   const float *scales, const float *bias, void *scratch, float *output)
{
    const mcuq_conv_2d_hybrid_params p = *params;
    const int32_t image = p.conv.input_height * p.conv.input_width * p.conv.input_channels;
    const int32_t channels = p.conv.output_channels;
    int32_t *sums = scratch;
    int8_t *q = (int8_t *)&sums[channels];

    for (int32_t n = 0; n < p.conv.batches; n++) {
        const quantization of = quantize(&input[n * image], image, p.asymmetric, q);
        for (int32_t y = 0; y < p.conv.output_height; y++) {
            for (int32_t x = 0; x < p.conv.output_width; x++) {
                const mcuq_window_f32 at = mcuq_window_f32_at(&p.conv, y, x);
                for (int32_t o = 0; o < channels; o++) {
                    sums[o] = 0;
                }
                for (int32_t ky = at.rows.first; ky < at.rows.end; ky++) {
                    for (int32_t kx = at.columns.first; kx < at.columns.end; kx++) {
                        add_tap(&q[mcuq_window_f32_tap(&p.conv, &at, ky, kx)], of.zero,
                                &weights[((ky * p.conv.filter_width) + kx) * channels], p.conv.input_channels,
                                channels / p.conv.input_channels, sums);
                    }
                }
                for (int32_t o = 0; o < channels; o++) {
                    *output = finished(&p, sums[o], scales[o], of.scale, bias[o]);
                    output++;
                }
            }
        }
    }
}
