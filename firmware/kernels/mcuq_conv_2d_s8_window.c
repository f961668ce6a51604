#include "mcuq_conv_2d_s8_window.h"

#include "mcuq_widen_dsp.h"

/* Columns of channels in sixteens, fours, threes and ones; gap is what lies between two columns of the target. */
static __attribute__((noinline)) void place_sixteens(const int8_t *source, int16_t *target, int32_t columns,
                                                     int32_t channels, int32_t gap)
{
    const int8_t *from = source;
    int16_t *to = target;
    int32_t x = columns;
    do {
        const int8_t *const end = &from[channels];
        do {
            mcuq_widen_sixteen(from, to);
            from += 16;
            to += 16;
        } while (from != end);
        to += gap;
        x--;
    } while (x != 0);
}

static __attribute__((noinline)) void place_fours(const int8_t *source, int16_t *target, int32_t columns,
                                                  int32_t channels, int32_t gap)
{
    for (int32_t x = 0; x < columns; x++) {
        for (int32_t i = channels; i > 0; i -= 4) {
            mcuq_widen_four(source, target);
            source += 4;
            target += 4;
        }
        target += gap;
    }
}

/* In the order 0, 2, 1. Of each column but the last a word is read. */
static __attribute__((noinline)) void place_threes(const int8_t *source, int16_t *target, int32_t columns, int32_t gap)
{
    const int32_t pitch = 3 + gap;
    const int8_t *from = source;
    int16_t *to = target;
    int32_t left = columns;
    for (; left > 2; left -= 2) {
        const uint32_t word0 = mcuq_load_word(from);
        const uint32_t word1 = mcuq_load_word(&from[3]);
        mcuq_store_word(to, mcuq_sxtb16(word0));
        to[2] = (int16_t)mcuq_sxtb16_odd(word0);
        mcuq_store_word(&to[pitch], mcuq_sxtb16(word1));
        to[pitch + 2] = (int16_t)mcuq_sxtb16_odd(word1);
        from += 6;
        to += 2 * pitch;
    }
    if (left > 1) {
        const uint32_t word = mcuq_load_word(from);
        mcuq_store_word(to, mcuq_sxtb16(word));
        to[2] = (int16_t)mcuq_sxtb16_odd(word);
        from += 3;
        to += pitch;
    }
    to[0] = from[0];
    to[1] = from[2];
    to[2] = from[1];
}

static __attribute__((noinline)) void place_in_order(const int8_t *source, int16_t *target, int32_t columns,
                                                     int32_t channels, int32_t gap)
{
    for (int32_t x = 0; x < columns; x++) {
        mcuq_widen_in_order(source, target, channels);
        source += channels;
        target += channels + gap;
    }
}

static __attribute__((noinline)) int16_t *place_padding(const mcuq_conv_2d_s8_window_params *p, int16_t *target,
                                                        int32_t columns)
{
    const int32_t channels = p->channels;
    const int32_t pitch = p->window_height * channels;
    const int16_t value = (int16_t)p->zero_point;
    const uint32_t both = 0x00010001U * (uint32_t)(uint16_t)value;
    int16_t *column = target;
    for (int32_t x = 0; x < columns; x++) {
        int32_t i = 0;
        for (; i < (channels - 3); i += 4) {
            mcuq_store_word(&column[i], both);
            mcuq_store_word(&column[i + 2], both);
        }
        for (; i < channels; i++) {
            column[i] = value;
        }
        column += pitch;
    }
    return column;
}

/* One input row (NULL: padding) into its place in every column; slot is the place in the first column. */
static void place_row(const mcuq_conv_2d_s8_window_params *p, const int8_t *row, int16_t *slot)
{
    const int32_t gap = (p->window_height - 1) * p->channels;
    const int32_t inside = p->columns - p->pad_left;
    const int32_t columns = (inside < p->input_width) ? inside : p->input_width;
    if (row == NULL) {
        (void)place_padding(p, slot, p->columns);
        return;
    }
    int16_t *const target = place_padding(p, slot, p->pad_left);
    if ((p->channels % 16) == 0) {
        place_sixteens(row, target, columns, p->channels, gap);
    } else if ((p->channels % 4) == 0) {
        place_fours(row, target, columns, p->channels, gap);
    } else if (p->channels == 3) {
        place_threes(row, target, columns, gap);
    } else {
        place_in_order(row, target, columns, p->channels, gap);
    }
    (void)place_padding(p, &target[columns * (gap + p->channels)], p->columns - p->pad_left - columns);
}

/* The buffer's start moves down by one stride; count is the elements in the buffer. */
static void move_down(const mcuq_conv_2d_s8_window_params *p, int16_t *scratch, mcuq_conv_2d_s8_window_state *state)
{
    if (state->moves == p->slack_moves) {
        const int32_t count = p->columns * p->window_height * p->channels;
        const int16_t *source = state->start;
        mcuq_copy_down(source, scratch, count);
        state->start = scratch;
        state->moves = 0;
    }
    state->start += p->stride_height * p->channels;
    state->moves++;
}

void mcuq_conv_2d_s8_window_row(const mcuq_conv_2d_s8_window_params *params, const int8_t *input, int32_t y,
                                int16_t *scratch, mcuq_conv_2d_s8_window_state *state)
{
    const int32_t row_bytes = params->input_width * params->channels;
    int32_t kept = 0;
    if ((y > 0) && (params->stride_height < params->window_height)) {
        kept = params->window_height - params->stride_height;
        move_down(params, scratch, state);
    }
    for (int32_t ky = kept; ky < params->window_height; ky++) {
        const int32_t row = ((y * params->stride_height) - params->pad_top) + ky;
        const bool inside = (row >= 0) && (row < params->input_height);
        place_row(params, inside ? &input[row * row_bytes] : NULL, &state->start[ky * params->channels]);
    }
}
