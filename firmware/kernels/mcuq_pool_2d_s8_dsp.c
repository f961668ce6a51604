#include "mcuq_pool_2d_s8_dsp.h"

#include "mcuq_channel_sums.h"
#include "mcuq_requantize.h"
#include "mcuq_window.h"

/* The part of a window inside the input. Rows that follow each other without a gap are one row. */
typedef struct {
    const int8_t *first;
    int32_t height;
    int32_t width;
    int32_t row;    /* elements from row to row */
    int32_t column; /* and from column to column: the channels */
} window;

static inline window window_inside(const mcuq_pool_2d_s8_params *p, const int8_t *input, int32_t y, int32_t x)
{
    const int32_t top = (y * p->stride_height) - p->pad_top;
    const int32_t left = (x * p->stride_width) - p->pad_left;
    const mcuq_taps rows = mcuq_taps_inside(top, p->filter_height, 1, p->input_height);
    const mcuq_taps columns = mcuq_taps_inside(left, p->filter_width, 1, p->input_width);
    const int32_t row = p->input_width * p->channels;
    window w = {&input[((top + rows.first) * row) + ((left + columns.first) * p->channels)], rows.end - rows.first,
                columns.end - columns.first, row, p->channels};
    if (w.width == p->input_width) {
        w.width *= w.height;
        w.height = 1;
    }
    return w;
}

typedef struct {
    int32_t addend;    /* 128 * count + count / 2: with it sums are not negative */
    uint32_t multiplier; /* 2^31 / count, rounded up */
    int32_t even;      /* -1 where count is even, so that halves of negative sums are rounded down; else 0 */
    int32_t least;
    int32_t greatest;
} division;

static inline division division_by(int32_t count, const mcuq_pool_2d_s8_params *p)
{
    const division d = {(128 * count) + (count / 2), (UINT32_C(0x80000000) / (uint32_t)count) + 1U, -(~count & 1),
                        p->activation_min, p->activation_max};
    return d;
}

static inline int8_t mean(int32_t sum, const division *d)
{
    const uint32_t doubled = 2U * (uint32_t)(sum + d->addend + ((sum >> 31) & d->even));
    const int32_t quotient = (int32_t)(uint32_t)(((uint64_t)doubled * d->multiplier) >> 32);
    return (int8_t)mcuq_clamp(quotient - 128, d->least, d->greatest);
}

/* Not inlined: a third of the kernel's code for a call for each four channels of a window. */
static __attribute__((noinline)) void store_means(mcuq_channel_sums sums, const division *by, int8_t *output)
{
    const division d = *by; /* which the bytes that are stored might otherwise change */
    output[0] = mean(mcuq_channel_sum(sums, 0U), &d);
    output[1] = mean(mcuq_channel_sum(sums, 1U), &d);
    output[2] = mean(mcuq_channel_sum(sums, 2U), &d);
    output[3] = mean(mcuq_channel_sum(sums, 3U), &d);
}

static inline void average_of_8(window w, int32_t c, const division *d, int8_t *output)
{
    mcuq_channel_sums low = {0U, 0U};
    mcuq_channel_sums high = {0U, 0U};
    const int8_t *row = &w.first[c];
    for (int32_t y = 0; y < w.height; y++) {
        const int8_t *in = row;
        int32_t x = w.width;
        for (; x > 1; x -= 2) { /* four loads in a row, one branch for two pixels */
            const int8_t *next = &in[w.column];
            const uint32_t word0 = mcuq_load_word(in);
            const uint32_t word1 = mcuq_load_word(&in[4]);
            const uint32_t word2 = mcuq_load_word(next);
            const uint32_t word3 = mcuq_load_word(&next[4]);
            low = mcuq_channel_sums_add(mcuq_channel_sums_add(low, word0), word2);
            high = mcuq_channel_sums_add(mcuq_channel_sums_add(high, word1), word3);
            in = &next[w.column];
        }
        if (x > 0) {
            low = mcuq_channel_sums_add(low, mcuq_load_word(in));
            high = mcuq_channel_sums_add(high, mcuq_load_word(&in[4]));
        }
        row = &row[w.row];
    }
    store_means(low, d, output);
    store_means(high, d, &output[4]);
}

static inline void average_of_4(window w, int32_t c, const division *d, int8_t *output)
{
    mcuq_channel_sums sums = {0U, 0U};
    const int8_t *row = &w.first[c];
    for (int32_t y = 0; y < w.height; y++) {
        const int8_t *in = row;
        for (int32_t x = w.width; x > 0; x--) {
            sums = mcuq_channel_sums_add(sums, mcuq_load_word(in));
            in = &in[w.column];
        }
        row = &row[w.row];
    }
    store_means(sums, d, output);
}

void mcuq_average_pool_2d_s8_dsp(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output)
{
    const int32_t channels = params->channels;
    for (int32_t n = 0; n < params->batches; n++) {
        for (int32_t y = 0; y < params->output_height; y++) {
            for (int32_t x = 0; x < params->output_width; x++) {
                const window w = window_inside(params, input, y, x);
                const division d = division_by(w.height * w.width, params);
                int32_t c = 0;
                for (; c <= (channels - 8); c += 8) {
                    average_of_8(w, c, &d, &output[c]);
                }
                for (; c < channels; c += 4) {
                    const int32_t at = (c <= (channels - 4)) ? c : (channels - 4);
                    average_of_4(w, at, &d, &output[at]);
                }
                output = &output[channels];
            }
        }
        input = &input[params->input_height * params->input_width * channels];
    }
}

static inline uint32_t max_of_4(window w, int32_t c)
{
    const int8_t *row = &w.first[c];
    uint32_t largest = mcuq_load_word(row);
    for (int32_t y = 0; y < w.height; y++) {
        const int8_t *in = row;
        for (int32_t x = w.width; x > 0; x--) {
            largest = mcuq_max_int8x4(largest, mcuq_load_word(in));
            in = &in[w.column];
        }
        row = &row[w.row];
    }
    return largest;
}

void mcuq_max_pool_2d_s8_dsp(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output)
{
    const int32_t channels = params->channels;
    const uint32_t least = 0x01010101U * (uint32_t)(uint8_t)params->activation_min;
    const uint32_t greatest = 0x01010101U * (uint32_t)(uint8_t)params->activation_max;
    for (int32_t n = 0; n < params->batches; n++) {
        for (int32_t y = 0; y < params->output_height; y++) {
            for (int32_t x = 0; x < params->output_width; x++) {
                const window w = window_inside(params, input, y, x);
                for (int32_t c = 0; c < channels; c += 4) {
                    const int32_t at = (c <= (channels - 4)) ? c : (channels - 4);
                    const uint32_t largest = mcuq_max_int8x4(max_of_4(w, at), least);
                    mcuq_store_word(&output[at], mcuq_min_int8x4(largest, greatest));
                }
                output = &output[channels];
            }
        }
        input = &input[params->input_height * params->input_width * channels];
    }
}
