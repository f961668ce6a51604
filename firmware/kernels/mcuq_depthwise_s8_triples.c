#include "mcuq_depthwise_s8_triples.h"

#include <stddef.h>

#include "mcuq_triples.h"

typedef mcuq_depthwise_s8_triples_params params_type;

/* A line of the input, or the zero point again and again. */
typedef struct {
    const int8_t *at;
    int32_t step;
} line;

static line line_of(const params_type *p, const int8_t *channel, int32_t number, const int8_t *zero)
{
    const bool inside = (number >= 0) && (number < p->input_lines);
    const line found = {inside ? &channel[number * p->input_line_step] : zero, inside ? p->input_step : 0};
    return found;
}

static uint32_t *place_padding(uint32_t *words, int32_t zero_point, int32_t count)
{
    const uint32_t value = (uint32_t)zero_point;
    for (int32_t i = 0; i < count; i++) {
        words[0] = mcuq_triple_a(value, value);
        words[1] = mcuq_triple_b(value, value);
        words = &words[2];
    }
    return words;
}

static uint32_t *place_elements(uint32_t *words, line l0, line l1, line l2, int32_t count)
{
    const int8_t *x0 = l0.at;
    const int8_t *x1 = l1.at;
    const int8_t *x2 = l2.at;
    uint32_t *const end = &words[2 * count];
    while (words != end) {
        const uint32_t middle = (uint32_t)(int32_t)*x1;
        words[0] = mcuq_triple_a((uint32_t)(int32_t)*x0, middle);
        words[1] = mcuq_triple_b(middle, (uint32_t)(int32_t)*x2);
        words = &words[2];
        x0 = &x0[l0.step];
        x1 = &x1[l1.step];
        x2 = &x2[l2.step];
    }
    return words;
}

/* The lines of one channel that a band of output lines from `first` on needs. */
static void load_plane(const params_type *p, const int8_t *channel, int32_t first, uint32_t *plane)
{
    const int8_t zero = (int8_t)p->zero_point;
    const int32_t third = p->band_lines * p->line_stride;
    const int32_t wanted = p->plane_length - p->padding;
    const int32_t inside = (wanted < p->input_length) ? wanted : p->input_length;
    const int32_t top = (first * p->line_stride) - p->line_padding;
    for (int32_t r = 0; r < p->plane_lines; r++) {
        plane = place_padding(plane, p->zero_point, p->padding);
        plane = place_elements(plane, line_of(p, channel, top + r, &zero), line_of(p, channel, top + third + r, &zero),
                               line_of(p, channel, top + (2 * third) + r, &zero), inside);
        plane = place_padding(plane, p->zero_point, wanted - inside);
    }
}

/* The sums of one window. */
static inline void add_window(const params_type *p, const uint32_t *window, const int8_t *weights, uint32_t *a,
                              uint32_t *b)
{
    const int32_t line_words = 2 * p->line_dilation * p->plane_length;
    const int32_t words = 2 * p->dilation;
    uint32_t sum_a = 0U;
    uint32_t sum_b = 0U;
    for (int32_t y = 0; y < p->filter_lines; y++) {
        const uint32_t *x = window;
        const int8_t *const end = &weights[p->filter_length];
        while (weights != end) {
            const uint32_t w = (uint32_t)(int32_t)*weights;
            sum_a += w * x[0];
            sum_b += w * x[1];
            weights++;
            x = &x[words];
        }
        window = &window[line_words];
    }
    *a = sum_a;
    *b = sum_b;
}

/* One output channel of a band. */
static void compute(const params_type *p, const uint32_t *plane, const int8_t *weights, const int32_t *constants,
                    int32_t first, int8_t *output)
{
    const int32_t third = p->band_lines * p->output_line_step;
    const int32_t steps_down = 2 * p->line_stride * p->plane_length;
    for (int32_t y = 0; y < p->band_lines; y++) {
        const int32_t number = first + y;
        if (number >= p->output_lines) {
            return;
        }
        const mcuq_triple_steps steps = {((number + p->band_lines) < p->output_lines) ? third : 0,
                                         ((number + (2 * p->band_lines)) < p->output_lines) ? (2 * third) : 0};
        const uint32_t *window = &plane[y * steps_down];
        int8_t *out = &output[number * p->output_line_step];
        for (int32_t x = 0; x < p->output_length; x++) {
            uint32_t a;
            uint32_t b;
            int32_t sums[3];
            add_window(p, window, weights, &a, &b);
            mcuq_triple_split(a, b, sums);
            mcuq_triple_store(&p->requantize, &steps, constants, sums, out);
            window = &window[2 * p->stride];
            out = &out[p->output_step];
        }
    }
}

void mcuq_depthwise_s8_triples(const mcuq_depthwise_s8_triples_params *params, const int8_t *input,
                               const int8_t *weights, const int32_t *constants, int32_t *scratch, int8_t *output)
{
    const params_type *const p = params;
    uint32_t *const plane = (uint32_t *)scratch;
    const int32_t filter = p->filter_lines * p->filter_length;
    const int32_t record = mcuq_triple_constants(&p->requantize);

    for (int32_t n = 0; n < p->batches; n++) {
        for (int32_t first = 0; first < p->output_lines; first += 3 * p->band_lines) {
            const int8_t *w = weights;
            const int32_t *c = constants;
            int32_t o = 0;
            for (int32_t i = 0; i < p->channels; i++) {
                load_plane(p, &input[i], first, plane);
                for (int32_t m = 0; m < p->channel_multiplier; m++) {
                    compute(p, plane, w, c, first, &output[o]);
                    w = &w[filter];
                    c = &c[record];
                    o++;
                }
            }
        }
        input = &input[p->input_batch];
        output = &output[p->output_batch];
    }
}
