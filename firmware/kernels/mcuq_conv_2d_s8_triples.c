#include "mcuq_conv_2d_s8_triples.h"

#include <string.h>

#include "mcuq_pairs.h"
#include "mcuq_triples.h"

typedef mcuq_conv_2d_s8_triples_params params_type;

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* What weights are: of eight bits, with three pixels at once, or narrow, with two. A literal wherever it is an argument. */
typedef enum { INT8 = 8, INT4 = mcuq_pairs_int4, INT2 = mcuq_pairs_int2 } weights_kind;

ALWAYS_INLINE int32_t pixels_of(const weights_kind kind)
{
    return (kind == INT8) ? 3 : 2;
}

/* Row and column of the input under the first tap of a window. */
typedef struct {
    int32_t top;
    int32_t left;
} window;

static window window_of(const params_type *p, int32_t y, int32_t x)
{
    const window w = {(y * p->stride_height) - p->pad_top, (x * p->stride_width) - p->pad_left};
    return w;
}

/* Does a run of columns lie inside the input, or its row outside? Then it is one run of bytes. */
static inline bool is_run(const params_type *p, window w, int32_t row)
{
    const bool outside = (row < 0) || (row >= p->input_height);
    return outside || ((w.left >= 0) && ((w.left + p->filter_width) <= p->input_width));
}

static inline const int8_t *tap_address(const params_type *p, const int8_t *image, const int8_t *zeros, int32_t row,
                                        int32_t column)
{
    const bool inside = (row >= 0) && (row < p->input_height) && (column >= 0) && (column < p->input_width);
    return inside ? &image[((row * p->input_width) + column) * p->channels] : zeros;
}

ALWAYS_INLINE void pack_windows(const params_type *p, const int8_t *image, const window w[3], const int8_t *zeros,
                                uint32_t *packed, const weights_kind kind)
{
    mcuq_triple_packer packer = {packed, 0U, 0U, p->part_taps, p->part_taps};
    const window last = w[pixels_of(kind) - 1];
    for (int32_t ky = 0; ky < p->filter_height; ky++) {
        const int32_t step = ky * p->dilation_height;
        const bool whole = (p->dilation_width == 1) && is_run(p, w[0], w[0].top + step) &&
                           is_run(p, w[1], w[1].top + step) && is_run(p, last, last.top + step);
        const int32_t columns = whole ? p->filter_width : 1;
        for (int32_t kx = 0; kx < p->filter_width; kx += columns) {
            const int32_t column = kx * p->dilation_width;
            const int8_t *const x0 = tap_address(p, image, zeros, w[0].top + step, w[0].left + column);
            const int8_t *const x1 = tap_address(p, image, zeros, w[1].top + step, w[1].left + column);
            if (kind == INT8) {
                const int8_t *const x2 = tap_address(p, image, zeros, w[2].top + step, w[2].left + column);
                mcuq_triple_pack(&packer, x0, x1, x2, columns * p->channels);
            } else {
                mcuq_pair_pack(&packer, x0, x1, columns * p->channels);
            }
        }
    }
    if (kind == INT8) {
        mcuq_triple_pack_end(&packer);
    } else {
        mcuq_pair_pack_end(&packer);
    }
}

/* Four channels, or the first `channels`. */
static void store(const params_type *p, const mcuq_triple_steps *steps, const int32_t *constants,
                  const int32_t sums[MCUQ_TRIPLE_CHANNELS][3], int8_t *out, int32_t channels)
{
    const int32_t record = mcuq_triple_constants(&p->requantize);
    for (int32_t k = 0; (k < MCUQ_TRIPLE_CHANNELS) && (k < channels); k++) {
        if (mcuq_triple_is_line(&p->requantize)) {
            mcuq_triple_store_line(p->requantize.shift, *steps, constants, sums[k][0], sums[k][1], sums[k][2], &out[k]);
        } else {
            mcuq_triple_store_any(&p->requantize, steps, constants, sums[k], &out[k]);
        }
        constants = &constants[record];
    }
}

/* As store, for windows in one part that a line requantizes: what the quickest layers spend their time on. */
static __attribute__((noinline)) void store_part(const mcuq_triple_steps *given_steps, int32_t shift,
                                                 const int32_t *constants, const uint32_t *products,
                                                 const uint32_t *end, int8_t *out, int32_t channels)
{
    const mcuq_triple_steps steps = *given_steps;
    const int32_t *const last = &constants[2 * ((channels < MCUQ_TRIPLE_CHANNELS) ? channels : MCUQ_TRIPLE_CHANNELS)];
    do {
        int32_t sums[3];
        mcuq_triple_split(products[0] - (products[1] << 8U) - end[0],
                          products[MCUQ_TRIPLE_B] - (products[MCUQ_TRIPLE_B + 1] << 8U) - end[1], sums);
        mcuq_triple_store_line(shift, steps, constants, sums[0], sums[1], sums[2], out);
        products = &products[1];
        constants = &constants[2];
        out = &out[1];
    } while (constants != last);
}

/* All channels of up to three pixels. */
static void compute(const params_type *p, const uint32_t *packed, const int32_t *stream, int8_t *output, int32_t pixels)
{
    const int32_t channels = p->output_channels;
    const int32_t words = p->parts * p->part_taps;
    const int32_t group = words + (MCUQ_TRIPLE_CHANNELS * mcuq_triple_constants(&p->requantize));
    const uint32_t *const end = &packed[2 * words];
    const mcuq_triple_steps steps = {(pixels > 1) ? channels : 0, (pixels > 2) ? (2 * channels) : 0};
    const bool quick = (p->parts == 1) && mcuq_triple_is_line(&p->requantize);
    for (int32_t o = 0; o < channels; o += MCUQ_TRIPLE_CHANNELS) {
        if (quick) {
            uint32_t products[MCUQ_TRIPLE_PRODUCTS];
            mcuq_triple_multiply(packed, end, (const uint32_t *)stream, products);
            store_part(&steps, p->requantize.shift, &stream[words], products, end, &output[o], channels - o);
        } else {
            int32_t sums[MCUQ_TRIPLE_CHANNELS][3];
            mcuq_triple_sums(packed, p->parts, p->part_taps, (const uint32_t *)stream, sums);
            store(p, &steps, &stream[words], (const int32_t(*)[3])sums, &output[o], channels - o);
        }
        stream = &stream[group];
    }
}

ALWAYS_INLINE void multiply_pairs(const uint32_t *packed, const uint32_t *end, const int32_t *weights,
                                  uint32_t products[MCUQ_PAIR_PRODUCTS], const weights_kind kind)
{
    if (kind == INT4) {
        mcuq_pair_multiply_int4(packed, end, (const uint32_t *)weights, products);
    } else {
        mcuq_pair_multiply_int2(packed, end, (const uint32_t *)weights, products);
    }
}

/* As store_part, for pairs. */
static __attribute__((noinline)) void store_pairs_part(int32_t second, int32_t shift, const int32_t *constants,
                                                       const uint32_t *products, uint32_t packed_sum, int8_t *out,
                                                       int32_t channels, mcuq_pairs kind)
{
    const int32_t *const last = &constants[2 * ((channels < MCUQ_PAIR_CHANNELS) ? channels : MCUQ_PAIR_CHANNELS)];
    do {
        int32_t s1;
        const int32_t s0 = mcuq_pair_split(products, packed_sum, kind, &s1);
        mcuq_pair_store_line(shift, second, constants, s0, s1, out);
        products = &products[1];
        constants = &constants[2];
        out = &out[1];
    } while (constants != last);
}

/* Adds a part's sums; unrolled, since there are many parts. */
static __attribute__((noinline)) void add_pairs_part(const uint32_t *products, uint32_t packed_sum, mcuq_pairs kind,
                                                     int32_t sums[MCUQ_PAIR_CHANNELS][3])
{
#pragma GCC unroll 8
    for (int32_t k = 0; k < MCUQ_PAIR_CHANNELS; k++) {
        int32_t s1;
        sums[k][0] += mcuq_pair_split(&products[k], packed_sum, kind, &s1);
        sums[k][1] += s1;
    }
}

/* Eight channels, or the first `channels`, of windows in any number of parts. */
ALWAYS_INLINE void any_pairs(const params_type *p, const uint32_t *packed, const int32_t *stream, int32_t part_words,
                             const mcuq_triple_steps *steps, int8_t *out, int32_t channels, const weights_kind kind)
{
    int32_t sums[MCUQ_PAIR_CHANNELS][3];
    (void)memset(sums, 0, sizeof sums);
    for (int32_t part = 0; part < p->parts; part++) {
        uint32_t products[MCUQ_PAIR_PRODUCTS];
        const uint32_t *const end = &packed[p->part_taps];
        multiply_pairs(packed, end, stream, products, kind);
        add_pairs_part(products, *end, (mcuq_pairs)kind, sums);
        packed = &end[1];
        stream = &stream[part_words];
    }
    for (int32_t k = 0; (k < MCUQ_PAIR_CHANNELS) && (k < channels); k++) {
        if (mcuq_triple_is_line(&p->requantize)) {
            mcuq_pair_store_line(p->requantize.shift, steps->second, stream, sums[k][0], sums[k][1], &out[k]);
        } else {
            mcuq_triple_store_any(&p->requantize, steps, stream, sums[k], &out[k]); /* the third leads to the first */
        }
        stream = &stream[mcuq_triple_constants(&p->requantize)];
    }
}

/* All channels of up to two pixels, with narrow weights. */
ALWAYS_INLINE void compute_pairs(const params_type *p, const uint32_t *packed, const int32_t *stream, int8_t *output,
                                 int32_t pixels, const weights_kind kind)
{
    const int32_t channels = p->output_channels;
    const int32_t part_words = (kind == INT4) ? p->part_taps : (p->part_taps / 2);
    const int32_t words = p->parts * part_words;
    const int32_t group = words + (MCUQ_PAIR_CHANNELS * mcuq_triple_constants(&p->requantize));
    const uint32_t *const end = &packed[p->part_taps];
    const mcuq_triple_steps steps = {(pixels > 1) ? channels : 0, 0};
    const bool quick = (p->parts == 1) && mcuq_triple_is_line(&p->requantize);
    for (int32_t o = 0; o < channels; o += MCUQ_PAIR_CHANNELS) {
        if (quick) {
            uint32_t products[MCUQ_PAIR_PRODUCTS];
            multiply_pairs(packed, end, stream, products, kind);
            store_pairs_part(steps.second, p->requantize.shift, &stream[words], products, *end, &output[o],
                             channels - o, (mcuq_pairs)kind);
        } else {
            any_pairs(p, packed, stream, part_words, &steps, &output[o], channels - o, kind);
        }
        stream = &stream[group];
    }
}

ALWAYS_INLINE void run(const params_type *p, const int8_t *input, const int32_t *stream, int32_t *scratch,
                       int8_t *output, const weights_kind kind)
{
    const int32_t together = pixels_of(kind);
    uint32_t *const packed = (uint32_t *)scratch;
    const int32_t part_words =
        (kind == INT8) ? MCUQ_TRIPLE_PART_WORDS(p->part_taps) : MCUQ_PAIR_PART_WORDS(p->part_taps);
    int8_t *const zeros = (int8_t *)&packed[p->parts * part_words];
    (void)memset(zeros, p->zero_point, (size_t)p->filter_width * (size_t)p->channels);

    for (int32_t n = 0; n < p->batches; n++) {
        int32_t y = 0;
        int32_t x = p->first_pixel;
        int32_t pixel = p->first_pixel;
        for (int32_t todo = p->output_pixels; todo > 0;) {
            const int32_t left = p->output_pixels - pixel;
            const int32_t pixels = (left < together) ? left : together;
            window w[3];
            for (int32_t i = 0; i < together; i++) {
                if (i < pixels) {
                    w[i] = window_of(p, y, x);
                    x++;
                    if (x == p->output_width) {
                        x = 0;
                        y++;
                    }
                } else {
                    w[i] = w[0];
                }
            }
            pack_windows(p, input, w, zeros, packed, kind);
            if (kind == INT8) {
                compute(p, packed, stream, &output[pixel * p->output_channels], pixels);
            } else {
                compute_pairs(p, packed, stream, &output[pixel * p->output_channels], pixels, kind);
            }
            todo -= pixels;
            pixel += p->pixel_step;
            if (p->pixel_step < 0) { /* in the only row */
                y = 0;
                x = pixel;
            }
        }
        output = &output[p->output_pixels * p->output_channels];
        input = &input[p->input_height * p->input_width * p->channels];
    }
}

void mcuq_conv_2d_s8_triples(const mcuq_conv_2d_s8_triples_params *params, const int8_t *input, const int32_t *stream,
                            int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, INT8);
}

void mcuq_conv_2d_pairs_int4(const mcuq_conv_2d_s8_triples_params *params, const int8_t *input, const int32_t *stream,
                            int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, INT4);
}

void mcuq_conv_2d_pairs_int2(const mcuq_conv_2d_s8_triples_params *params, const int8_t *input, const int32_t *stream,
                            int32_t *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, INT2);
}
