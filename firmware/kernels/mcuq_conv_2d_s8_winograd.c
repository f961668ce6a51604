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
    const int8_t *c0 = columns[0];
    const int8_t *c1 = columns[1];
    const int8_t *c2 = columns[2];
    const int8_t *c3 = columns[3];
    int16_t *to = target;
    for (int32_t left = channels; left > 0; left -= 4) {
        const uint32_t d0 = mcuq_load_word(c0);
        const uint32_t d1 = mcuq_load_word(c1);
        const uint32_t d2 = mcuq_load_word(c2);
        const uint32_t d3 = mcuq_load_word(c3);
        transform_two(mcuq_sxtb16(d0), mcuq_sxtb16(d1), mcuq_sxtb16(d2), mcuq_sxtb16(d3), to, run);
        transform_two(mcuq_sxtb16_odd(d0), mcuq_sxtb16_odd(d1), mcuq_sxtb16_odd(d2), mcuq_sxtb16_odd(d3), &to[2], run);
        c0 = &c0[4];
        c1 = &c1[4];
        c2 = &c2[4];
        c3 = &c3[4];
        to = &to[4];
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
    int16_t *target = slot;
    for (int32_t tile = 0; tile < tiles(p); tile++) {
        const int8_t *columns[4];
        for (int32_t i = 0; i < 4; i++) {
            const int32_t x = (2 * tile) + i - p->pad_left;
            const bool inside = (row != NULL) && (x >= 0) && (x < p->input_width);
            columns[i] = inside ? &row[x * p->channels] : padding;
        }
        transform(columns, target, p->channels, run);
        target = &target[4 * run];
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
