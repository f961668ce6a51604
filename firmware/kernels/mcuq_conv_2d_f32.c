#include "mcuq_conv_2d_f32.h"

#include "mcuq_f32.h"
#include "mcuq_window_f32.h"

/* sums[j] of `count` outputs (4, or 1) of one group over a window. */
static inline void add_window(const mcuq_conv_2d_f32_params *p, const mcuq_window_f32 *at, const float *input,
                              const float *weights, int32_t count, float *sums)
{
    const int32_t depth = p->filter_channels;
    const int32_t filter = p->filter_height * p->filter_width * depth;
    float sum_0 = 0.0F;
    float sum_1 = 0.0F;
    float sum_2 = 0.0F;
    float sum_3 = 0.0F;
    for (int32_t ky = at->rows.first; ky < at->rows.end; ky++) {
        for (int32_t kx = at->columns.first; kx < at->columns.end; kx++) {
            const float *in = &input[mcuq_window_f32_tap(p, at, ky, kx)];
            const float *w = &weights[((ky * p->filter_width) + kx) * depth];
            if (count == 1) {
                for (int32_t i = 0; i < depth; i++) {
                    sum_0 += in[i] * w[i];
                }
            } else {
                for (int32_t i = 0; i < depth; i++) {
                    const float x = in[i];
                    sum_0 += x * w[i];
                    sum_1 += x * w[i + filter];
                    sum_2 += x * w[i + (2 * filter)];
                    sum_3 += x * w[i + (3 * filter)];
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

static void finish(const mcuq_conv_2d_f32_params *p, const float *bias, int32_t count, float *sums)
{
    for (int32_t i = 0; i < count; i++) {
        sums[i] = mcuq_clamp_f32(sums[i] + bias[i], p->activation_min, p->activation_max);
    }
}

void mcuq_conv_2d_f32(const mcuq_conv_2d_f32_params *params, const float *input, const float *weights, const float *bias,
                      float *output)
{
    const mcuq_conv_2d_f32_params p = *params;
    const int32_t groups = p.input_channels / p.filter_channels;
    const int32_t group_outputs = p.output_channels / groups;
    const int32_t filter = p.filter_height * p.filter_width * p.filter_channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            for (int32_t x = 0; x < p.output_width; x++) {
                mcuq_window_f32 at = mcuq_window_f32_at(&p, y, x);
                for (int32_t g = 0; g < groups; g++) {
                    const int32_t first = g * group_outputs;
                    int32_t o = first;
                    for (; (o + 4) <= (first + group_outputs); o += 4) {
                        add_window(&p, &at, input, &weights[o * filter], 4, &output[o]);
                    }
                    for (; o < (first + group_outputs); o++) {
                        add_window(&p, &at, input, &weights[o * filter], 1, &output[o]);
                    }
                    at.origin += p.filter_channels;
                }
                finish(&p, bias, p.output_channels, output);
                output += p.output_channels;
            }
        }
        input += p.input_height * p.input_width * p.input_channels;
    }
}

static inline void add_tap(const float *in, const float *w, int32_t channels, int32_t multiplier, float *sums)
{
    if (multiplier == 1) {
        for (int32_t i = 0; i < channels; i++) {
            sums[i] += in[i] * w[i];
        }
        return;
    }
    for (int32_t i = 0; i < channels; i++) {
        for (int32_t j = 0; j < multiplier; j++) {
            sums[(i * multiplier) + j] += in[i] * w[(i * multiplier) + j];
        }
    }
}

void mcuq_depthwise_conv_2d_f32(const mcuq_conv_2d_f32_params *params, const float *input, const float *weights,
                                const float *bias, float *output)
{
    const mcuq_conv_2d_f32_params p = *params;
    const int32_t multiplier = p.output_channels / p.input_channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            for (int32_t x = 0; x < p.output_width; x++) {
                const mcuq_window_f32 at = mcuq_window_f32_at(&p, y, x);
                for (int32_t o = 0; o < p.output_channels; o++) {
                    output[o] = 0.0F;
                }
                for (int32_t ky = at.rows.first; ky < at.rows.end; ky++) {
                    for (int32_t kx = at.columns.first; kx < at.columns.end; kx++) {
                        add_tap(&input[mcuq_window_f32_tap(&p, &at, ky, kx)],
                                &weights[((ky * p.filter_width) + kx) * p.output_channels], p.input_channels, multiplier,
                                output);
                    }
                }
                finish(&p, bias, p.output_channels, output);
                output += p.output_channels;
            }
        }
        input += p.input_height * p.input_width * p.input_channels;
    }
}
