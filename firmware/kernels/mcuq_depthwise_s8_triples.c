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

/* What is the same for all windows of a channel. */
typedef struct {
    const int32_t *weights;
    const int32_t *end;
    int32_t line_gap; /* bytes from behind a window's line to its next one */
    int32_t tap_gap;  /* bytes from behind a tap to the next one */
} window_weights;

#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

#define TAP(weight)                                                                                                    \
    "ldmia %[x]!, {r2, r3}\n\t"                                                                                        \
    "muls r2, " weight ", r2\n\tmuls r3, " weight ", r3\n\t"                                                          \
    "add %[a], %[a], r2\n\tadd %[b], %[b], r3\n\t"

/* Lines of three taps side by side. */
static inline void add_threes(const window_weights *p, const uint32_t *x, uint32_t *a, uint32_t *b)
{
    uint32_t sum_a = 0U;
    uint32_t sum_b = 0U;
    const int32_t *w = p->weights;
    __asm__ volatile(".syntax unified\n"
                     "1:\n\t"
                     "ldmia %[w]!, {r4, r5, r6}\n\t" TAP("r4") TAP("r5") TAP("r6") "add %[x], %[x], %[gap]\n\t"
                     "cmp %[w], %[end]\n\t"
                     "bne 1b\n\t"
                     : [x] "+&l"(x), [w] "+&l"(w), [a] "+&h"(sum_a), [b] "+&h"(sum_b)
                     : [gap] "h"(p->line_gap), [end] "h"(p->end)
                     : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
    *a = sum_a;
    *b = sum_b;
}

/* A line of taps. */
static inline void add_line(const window_weights *p, const uint32_t *x, uint32_t *a, uint32_t *b)
{
    uint32_t sum_a = 0U;
    uint32_t sum_b = 0U;
    const int32_t *w = p->weights;
    __asm__ volatile(".syntax unified\n"
                     "1:\n\t"
                     "ldmia %[w]!, {r4}\n\t" TAP("r4") "add %[x], %[x], %[gap]\n\t"
                     "cmp %[w], %[end]\n\t"
                     "bne 1b\n\t"
                     : [x] "+&l"(x), [w] "+&l"(w), [a] "+&h"(sum_a), [b] "+&h"(sum_b)
                     : [gap] "h"(p->tap_gap), [end] "h"(p->end)
                     : "r2", "r3", "r4", "cc", "memory");
    *a = sum_a;
    *b = sum_b;
}

#else

/* What lies so many bytes behind a tap. */
static inline const uint32_t *after(const uint32_t *x, int32_t bytes)
{
    return &x[2 + (bytes / 4)];
}

static inline void add_threes(const window_weights *p, const uint32_t *x, uint32_t *a, uint32_t *b)
{
    uint32_t sum_a = 0U;
    uint32_t sum_b = 0U;
    for (const int32_t *w = p->weights; w != p->end; w = &w[3]) {
        const uint32_t w0 = (uint32_t)w[0];
        const uint32_t w1 = (uint32_t)w[1];
        const uint32_t w2 = (uint32_t)w[2];
        sum_a += (w0 * x[0]) + (w1 * x[2]) + (w2 * x[4]);
        sum_b += (w0 * x[1]) + (w1 * x[3]) + (w2 * x[5]);
        x = after(&x[4], p->line_gap);
    }
    *a = sum_a;
    *b = sum_b;
}

static inline void add_line(const window_weights *p, const uint32_t *x, uint32_t *a, uint32_t *b)
{
    uint32_t sum_a = 0U;
    uint32_t sum_b = 0U;
    for (const int32_t *w = p->weights; w != p->end; w = &w[1]) {
        sum_a += (uint32_t)*w * x[0];
        sum_b += (uint32_t)*w * x[1];
        x = after(x, p->tap_gap);
    }
    *a = sum_a;
    *b = sum_b;
}

#endif

/* Lines of any length. */
static void add_lines(const window_weights *p, int32_t length, const uint32_t *x, uint32_t *a, uint32_t *b)
{
    window_weights one = *p;
    *a = 0U;
    *b = 0U;
    while (one.weights != p->end) {
        uint32_t more_a;
        uint32_t more_b;
        one.end = &one.weights[length];
        add_line(&one, x, &more_a, &more_b);
        *a += more_a;
        *b += more_b;
        one.weights = one.end;
        x = &x[(length * (2 + (p->tap_gap / 4))) + (p->line_gap / 4)];
    }
}

static inline void add_window(const window_weights *w, int32_t lines, int32_t length, const uint32_t *x, uint32_t *a,
                              uint32_t *b)
{
    if ((length == 3) && (w->tap_gap == 0)) {
        add_threes(w, x, a, b);
    } else if (lines == 1) {
        add_line(w, x, a, b);
    } else {
        add_lines(w, length, x, a, b);
    }
}

/* One output channel of a band. */
static void compute(const params_type *p, const uint32_t *plane, const window_weights *weights,
                    const int32_t *constants, int32_t first, int8_t *output)
{
    const int32_t third = p->band_lines * p->output_line_step;
    const int32_t down = 2 * p->line_stride * p->plane_length;
    const int32_t right = 2 * p->stride;
    const int32_t step = p->output_step;
    const bool by_line = mcuq_triple_is_line(&p->requantize);
    const int32_t shift = p->requantize.shift;
    for (int32_t y = 0; y < p->band_lines; y++) {
        const int32_t number = first + y;
        if (number >= p->output_lines) {
            return;
        }
        const mcuq_triple_steps steps = {((number + p->band_lines) < p->output_lines) ? third : 0,
                                         ((number + (2 * p->band_lines)) < p->output_lines) ? (2 * third) : 0};
        const uint32_t *window = &plane[y * down];
        int8_t *out = &output[number * p->output_line_step];
        for (int32_t x = p->output_length; x > 0; x--) {
            uint32_t a;
            uint32_t b;
            int32_t sums[3];
            add_window(weights, p->filter_lines, p->filter_length, window, &a, &b);
            mcuq_triple_split(a, b, sums);
            if (by_line) {
                mcuq_triple_store_line(shift, steps, constants, sums[0], sums[1], sums[2], out);
            } else {
                mcuq_triple_store_any(&p->requantize, &steps, constants, sums, out);
            }
            window = &window[right];
            out = &out[step];
        }
    }
}

void mcuq_depthwise_s8_triples(const mcuq_depthwise_s8_triples_params *params, const int8_t *input,
                               const int8_t *weights, const int32_t *constants, int32_t *scratch, int8_t *output)
{
    const params_type *const p = params;
    const int32_t filter = p->filter_lines * p->filter_length;
    int32_t *const wide = scratch;
    uint32_t *const plane = (uint32_t *)&scratch[filter];
    const window_weights window = {wide, &wide[filter], p->line_gap, p->tap_gap};
    const int32_t record = mcuq_triple_constants(&p->requantize);

    for (int32_t n = 0; n < p->batches; n++) {
        for (int32_t first = 0; first < p->output_lines; first += 3 * p->band_lines) {
            const int8_t *w = weights;
            const int32_t *c = constants;
            int32_t o = 0;
            for (int32_t i = 0; i < p->channels; i++) {
                load_plane(p, &input[i], first, plane);
                for (int32_t m = 0; m < p->channel_multiplier; m++) {
                    for (int32_t tap = 0; tap < filter; tap++) {
                        wide[tap] = w[tap];
                    }
                    compute(p, plane, &window, c, first, &output[o]);
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
