#include "mcuq_conv_2d_s8_columns.h"

#include "mcuq_widen_dsp.h"

typedef mcuq_conv_2d_s8_columns_pixel pixel;

/* A run of activations of both pixels, a multiple of 4. Returns the end of the target. */
static inline int16_t *gather_shuffled(const int8_t *source0, const int8_t *source1, int16_t *target, int32_t count)
{
    int16_t *const end = &target[2 * count];
    while ((end - target) >= 16) {
        const uint32_t word0 = mcuq_load_word(source0);
        const uint32_t word1 = mcuq_load_word(source1);
        const uint32_t word2 = mcuq_load_word(&source0[4]);
        const uint32_t word3 = mcuq_load_word(&source1[4]);
        mcuq_store_word(target, mcuq_sxtb16(word0));
        mcuq_store_word(&target[2], mcuq_sxtb16(word1));
        mcuq_store_word(&target[4], mcuq_sxtb16_odd(word0));
        mcuq_store_word(&target[6], mcuq_sxtb16_odd(word1));
        mcuq_store_word(&target[8], mcuq_sxtb16(word2));
        mcuq_store_word(&target[10], mcuq_sxtb16(word3));
        mcuq_store_word(&target[12], mcuq_sxtb16_odd(word2));
        mcuq_store_word(&target[14], mcuq_sxtb16_odd(word3));
        source0 += 8;
        source1 += 8;
        target += 16;
    }
    if (target != end) {
        const uint32_t word0 = mcuq_load_word(source0);
        const uint32_t word1 = mcuq_load_word(source1);
        mcuq_store_word(target, mcuq_sxtb16(word0));
        mcuq_store_word(&target[2], mcuq_sxtb16(word1));
        mcuq_store_word(&target[4], mcuq_sxtb16_odd(word0));
        mcuq_store_word(&target[6], mcuq_sxtb16_odd(word1));
    }
    return end;
}

/* Runs of both pixels, a multiple of 4 activations each, from pitch to pitch. */
static __attribute__((noinline)) void gather_runs(const int8_t *source0, const int8_t *source1, int16_t *target,
                                                  int32_t run, int32_t pitch, int32_t runs)
{
    const int8_t *from0 = source0;
    const int8_t *from1 = source1;
    int16_t *to = target;
    for (int32_t left = runs; left > 0; left--) {
        to = gather_shuffled(from0, from1, to, run);
        from0 = &from0[pitch];
        from1 = &from1[pitch];
    }
}

/* A run of one pixel from its activation k on; the pixel's words are every other one. */
static __attribute__((noinline)) void gather_in_order(const int8_t *source, int16_t *words, int32_t k, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t at = k + i;
        words[(4 * (at / 2)) + (at % 2)] = source[i];
    }
}

/* The run of a pixel in window row ky, from column kx on: in the input, or put together in staged where a part of it is
 * padding. */
static const int8_t *run_of(const mcuq_conv_2d_s8_columns_params *p, const pixel *at, int32_t ky, int32_t kx,
                            int8_t *staged)
{
    const int32_t y = at->top + (ky * p->dilation_height);
    const int32_t x = at->left + (kx * p->dilation_width);
    const bool row_inside = (y >= 0) && (y < p->input_height);
    const int8_t *const row = &at->image[(row_inside ? y : 0) * p->input_width * p->channels];
    if (row_inside && (x >= 0) && ((x + p->run_columns) <= p->input_width)) {
        return &row[x * p->channels];
    }
    for (int32_t i = 0; i < p->run_columns; i++) {
        const bool inside = row_inside && ((x + i) >= 0) && ((x + i) < p->input_width);
        for (int32_t c = 0; c < p->channels; c++) {
            staged[(i * p->channels) + c] = inside ? row[((x + i) * p->channels) + c] : (int8_t)p->zero_point;
        }
    }
    return staged;
}

/* The window's first activation, where it is no padding. */
static inline const int8_t *inside(const mcuq_conv_2d_s8_columns_params *p, const pixel *at)
{
    return &at->image[((at->top * p->input_width) + at->left) * p->channels];
}

/* Both pixels' activations where all windows are inside: rows of a multiple of 4 activations. */
static void gather_inside(const mcuq_conv_2d_s8_columns_params *p, const pixel *first, const pixel *second,
                          int16_t *target)
{
    const int32_t pitch = p->dilation_height * p->input_width * p->channels;
    gather_runs(inside(p, first), inside(p, second), target, p->run_columns * p->channels, pitch, p->window_height);
}

/* And where they may reach into padding, or runs are no multiples of 4. */
static void gather(const mcuq_conv_2d_s8_columns_params *p, const pixel *first, const pixel *second, int16_t *target,
                   int8_t *staged)
{
    const int32_t run = p->run_columns * p->channels;
    int32_t k = 0;
    for (int32_t ky = 0; ky < p->window_height; ky++) {
        for (int32_t kx = 0; kx < p->window_width; kx += p->run_columns) {
            const int8_t *source0 = run_of(p, first, ky, kx, staged);
            const int8_t *source1 = run_of(p, second, ky, kx, &staged[run]);
            if ((run % 4) == 0) {
                gather_runs(source0, source1, &target[2 * k], run, 0, 1);
            } else {
                gather_in_order(source0, target, k, run);
                gather_in_order(source1, &target[2], k, run);
            }
            k += run;
        }
    }
}

/* The next pixel in order. */
static inline void next(const mcuq_conv_2d_s8_columns_params *p, pixel *here)
{
    here->x++;
    here->left += p->stride_width;
    if (here->x == p->output_width) {
        here->x = 0;
        here->left = -p->pad_left;
        here->y++;
        here->top += p->stride_height;
    }
    if (here->y == p->output_height) {
        here->y = 0;
        here->top = -p->pad_top;
        here->image = &here->image[p->input_height * p->input_width * p->channels];
    }
}

int32_t mcuq_conv_2d_s8_columns_gather(const mcuq_conv_2d_s8_columns_params *params, const int8_t *input,
                                       int32_t first, mcuq_conv_2d_s8_columns_pixel *here, int16_t *work)
{
    const mcuq_conv_2d_s8_columns_params *const p = params;
    const bool backwards = p->block_step < 0;
    const int32_t most = backwards ? -p->block_step : p->block_step;
    const int32_t count = ((p->pixels - first) < most) ? (p->pixels - first) : most;
    const bool one_run = p->inside && (p->window_height == 1) && (p->window_width == 1);
    int8_t *const staged = (int8_t *)&work[2 * p->gemm.pairs * most];
    int16_t *target = work;
    int32_t left = count;
    if (backwards) { /* pixels lie one behind the other: from any on, as if it began an image */
        const pixel begin = {&input[first * p->channels], 0, 0, 0, 0};
        *here = begin;
    }
    if (one_run && (p->stride_height == 1) && (p->stride_width == 1)) {
        const int32_t pairs = count / 2; /* here's image moves, its place in it does not */
        gather_runs(here->image, &here->image[p->channels], target, p->channels, 2 * p->channels, pairs);
        here->image = &here->image[2 * pairs * p->channels];
        target = &target[4 * p->gemm.pairs * pairs];
        left -= 2 * pairs;
    }
    for (; left > 0; left -= 2) {
        const pixel one = *here;
        if (left > 1) {
            next(p, here);
        }
        if (p->inside) {
            gather_inside(p, &one, here, target);
        } else {
            gather(p, &one, here, target, staged);
        }
        next(p, here);
        target = &target[4 * p->gemm.pairs];
    }
    return count;
}

void mcuq_conv_2d_s8_columns(const mcuq_conv_2d_s8_columns_params *params, const int8_t *input, const int32_t *packed,
                             int16_t *scratch, int8_t *output)
{
    mcuq_conv_2d_s8_columns_as(params, input, packed, scratch, output, MCUQ_GEMM_UNROLLED, 0, MCUQ_GEMM_EITHER);
}
