#include "mcuq_conv_2d_s8_winograd.h"

#include "mcuq_widen_dsp.h"

/* Two channels' differences and sums of four columns, at the same place of the four positions. */
static inline void transform_two(uint32_t d0, uint32_t d1, uint32_t d2, uint32_t d3, int16_t *target, int32_t run)
{
    mcuq_store_word(target, mcuq_subtract_int16x2(d0, d2));
    mcuq_store_word(&target[run], mcuq_add_int16x2(d1, d2));
    mcuq_store_word(&target[2 * run], mcuq_subtract_int16x2(d2, d1));
    mcuq_store_word(&target[3 * run], mcuq_subtract_int16x2(d1, d3));
}

/* A tile of one row: its four columns, and where its part of position 0 is. run: elements of a position. */
static __attribute__((noinline)) void transform(const int8_t *const columns[4], int16_t *target, int32_t channels,
                                                int32_t run)
{
    for (int32_t i = 0; i < channels; i += 4) {
        const uint32_t d0 = mcuq_load_word(&columns[0][i]);
        const uint32_t d1 = mcuq_load_word(&columns[1][i]);
        const uint32_t d2 = mcuq_load_word(&columns[2][i]);
        const uint32_t d3 = mcuq_load_word(&columns[3][i]);
        transform_two(mcuq_sxtb16(d0), mcuq_sxtb16(d1), mcuq_sxtb16(d2), mcuq_sxtb16(d3), &target[i], run);
        transform_two(mcuq_sxtb16_odd(d0), mcuq_sxtb16_odd(d1), mcuq_sxtb16_odd(d2), mcuq_sxtb16_odd(d3),
                      &target[i + 2], run);
    }
}

/* Four channels of a row of tiles whose columns are all inside: the last two columns of a tile are the first two of the
 * next. */
static __attribute__((noinline)) void transform_inside(const int8_t *source, int16_t *target, int32_t count,
                                                       int32_t channels, int32_t run)
{
    const int8_t *from = &source[2 * channels];
    int16_t *to = target;
    const uint32_t word0 = mcuq_load_word(source);
    const uint32_t word1 = mcuq_load_word(&source[channels]);
    uint32_t even0 = mcuq_sxtb16(word0);
    uint32_t odd0 = mcuq_sxtb16_odd(word0);
    uint32_t even1 = mcuq_sxtb16(word1);
    uint32_t odd1 = mcuq_sxtb16_odd(word1);
    for (int32_t left = count; left > 0; left--) {
        const uint32_t word2 = mcuq_load_word(from);
        const uint32_t word3 = mcuq_load_word(&from[channels]);
        const uint32_t even2 = mcuq_sxtb16(word2);
        const uint32_t odd2 = mcuq_sxtb16_odd(word2);
        mcuq_store_word(to, mcuq_subtract_int16x2(even0, even2));
        mcuq_store_word(&to[2], mcuq_subtract_int16x2(odd0, odd2));
        to += run;
        mcuq_store_word(to, mcuq_add_int16x2(even1, even2));
        mcuq_store_word(&to[2], mcuq_add_int16x2(odd1, odd2));
        to += run;
        mcuq_store_word(to, mcuq_subtract_int16x2(even2, even1));
        mcuq_store_word(&to[2], mcuq_subtract_int16x2(odd2, odd1));
        to += run;
        even0 = even2;
        odd0 = odd2;
        const uint32_t even3 = mcuq_sxtb16(word3);
        const uint32_t odd3 = mcuq_sxtb16_odd(word3);
        mcuq_store_word(to, mcuq_subtract_int16x2(even1, even3));
        mcuq_store_word(&to[2], mcuq_subtract_int16x2(odd1, odd3));
        to += run;
        even1 = even3;
        odd1 = odd3;
        from += 2 * channels;
    }
}

static inline int32_t tiles(const mcuq_conv_2d_s8_winograd_params *p)
{
    return (p->output_width + 1) / 2;
}

/* One input row (NULL: padding) into its place in every tile; slot is the place in the first tile's position 0. */
static void place_row(const mcuq_conv_2d_s8_winograd_params *p, const int8_t *row, const int8_t *padding, int16_t *slot)
{
    const int32_t run = p->window_height * p->channels;
    int32_t tile = 0;
    while (tile < tiles(p)) {
        const int32_t left = (2 * tile) - p->pad_left;
        const int32_t inside = ((row != NULL) && (left >= 0)) ? ((p->input_width - left - 2) / 2) : 0;
        const int32_t count = (inside < (tiles(p) - tile)) ? inside : (tiles(p) - tile);
        if (count > 0) {
            for (int32_t i = 0; i < p->channels; i += 4) {
                transform_inside(&row[(left * p->channels) + i], &slot[(4 * run * tile) + i], count, p->channels, run);
            }
            tile += count;
        } else {
            const int8_t *columns[4];
            for (int32_t i = 0; i < 4; i++) {
                const int32_t x = left + i;
                columns[i] = ((row != NULL) && (x >= 0) && (x < p->input_width)) ? &row[x * p->channels] : padding;
            }
            transform(columns, &slot[4 * run * tile], p->channels, run);
            tile++;
        }
    }
}

mcuq_conv_2d_s8_winograd_state mcuq_conv_2d_s8_winograd_begin(const mcuq_conv_2d_s8_winograd_params *params,
                                                              int16_t *scratch)
{
    mcuq_conv_2d_s8_winograd_state state;
    state.sums = (int32_t *)(void *)scratch;
    state.padding = (int8_t *)&scratch[16];
    state.buffer = &scratch[16 + (params->channels / 2)];
    state.start = state.buffer;
    state.moves = 0;
    for (int32_t i = 0; i < params->channels; i++) {
        state.padding[i] = (int8_t)params->zero_point;
    }
    return state;
}

/* The buffer's start moves down by one stride. */
static void move_down(const mcuq_conv_2d_s8_winograd_params *p, mcuq_conv_2d_s8_winograd_state *state)
{
    if (state->moves == p->slack_moves) {
        const int16_t *source = state->start;
        mcuq_copy_down(source, state->buffer, 4 * tiles(p) * p->window_height * p->channels);
        state->start = state->buffer;
        state->moves = 0;
    }
    state->start += p->stride_height * p->channels;
    state->moves++;
}

void mcuq_conv_2d_s8_winograd_row(const mcuq_conv_2d_s8_winograd_params *params, const int8_t *input, int32_t y,
                                  mcuq_conv_2d_s8_winograd_state *state)
{
    const int32_t row_bytes = params->input_width * params->channels;
    int32_t kept = 0;
    if ((y > 0) && (params->stride_height < params->window_height)) {
        kept = params->window_height - params->stride_height;
        move_down(params, state);
    }
    for (int32_t ky = kept; ky < params->window_height; ky++) {
        const int32_t row = ((y * params->stride_height) - params->pad_top) + ky;
        const bool inside = (row >= 0) && (row < params->input_height);
        place_row(params, inside ? &input[row * row_bytes] : NULL, state->padding,
                  &state->start[ky * params->channels]);
    }
}
