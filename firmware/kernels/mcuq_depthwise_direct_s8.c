#include "mcuq_depthwise_direct_s8.h"

#include "mcuq_fast_requantize.h"
#include "mcuq_requantize.h"
#include "mcuq_window.h"

/* The taps of a window that lie inside the input, as two loops: steps in input elements and in words of weights. */
typedef struct {
    int32_t first_input;
    int32_t first_weight;
    int32_t rows;
    int32_t row_step;
    int32_t row_weights;
    int32_t columns;
    int32_t column_step;
} taps;

/* The sums of a block of four channels over the taps of a window. The assembly reads and writes it by its layout. */
typedef struct {
    int32_t sum[4]; /* at first the bias */
    const int8_t *input;
    const int32_t *weights;
    int32_t column_step;
    uint32_t offsets; /* minus the input's zero point, twice */
    int32_t columns;  /* at least 1 */
    int32_t rows;     /* at least 1; 0 afterwards */
    int32_t next_row; /* elements from the end of a row to the next row */
    int32_t next_weights; /* bytes likewise */
} block;

static inline taps taps_of(const mcuq_depthwise_direct_s8_params *p, int32_t y, int32_t x)
{
    const int32_t top = (y * p->stride_height) - p->pad_top;
    const int32_t left = (x * p->stride_width) - p->pad_left;
    const mcuq_taps rows = mcuq_taps_inside(top, p->filter_height, p->dilation_height, p->input_height);
    const mcuq_taps columns = mcuq_taps_inside(left, p->filter_width, p->dilation_width, p->input_width);
    const int32_t input_row = p->input_width * p->channels;
    taps t = {
        .rows = rows.end - rows.first,
        .row_step = p->dilation_height * input_row,
        .row_weights = 2 * p->filter_width,
        .columns = columns.end - columns.first,
        .column_step = p->dilation_width * p->channels,
    };
    if ((t.rows <= 0) || (t.columns <= 0)) {
        t.rows = 0;
    } else {
        t.first_input = (top * input_row) + (left * p->channels) + (rows.first * t.row_step) +
                        (columns.first * t.column_step);
        t.first_weight = (rows.first * t.row_weights) + (2 * columns.first);
    }
    if (p->filter_width == 1) { /* one long loop rather than many short ones */
        t.columns = t.rows;
        t.column_step = t.row_step;
        t.rows = (t.rows > 0) ? 1 : 0;
    }
    return t;
}

#if MCUQ_HAS_DSP

/* Registers: r1-r4 sums, r5 input, r6 weights, r7 column_step, r8 offsets, r9 inputs, r10 odd ones, r11 and r12 two
 * words of weights, lr taps left. */
#define TAP                                                                                                           \
    "ldr r9, [r5]\n\tldr r11, [r6], #4\n\tldr r12, [r6], #4\n\tadd r5, r5, r7\n\t"                                     \
    "sxtab16 r10, r8, r9, ror #8\n\tsxtab16 r9, r8, r9\n\t"                                                            \
    "smlabb r1, r9, r11, r1\n\tsmlatt r3, r9, r11, r3\n\tsmlabb r2, r10, r12, r2\n\tsmlatt r4, r10, r12, r4\n\t"

/* An odd tap first, then the others in pairs; no tap changes flags. */
static inline void add_taps(block *work)
{
    register block *r0 __asm__("r0") = work;
    __asm__ volatile("ldmia r0, {r1-r8}\n\t"
                     "1:\n\tldr lr, [r0, #32]\n\tlsrs lr, lr, #1\n\tbcc 2f\n\t" TAP
                     "2:\n\tbeq 4f\n\t"
                     "3:\n\t" TAP TAP "subs lr, lr, #1\n\tbne 3b\n\t"
                     "4:\n\tldr r9, [r0, #36]\n\tldr r10, [r0, #40]\n\tldr r11, [r0, #44]\n\t"
                     "add r5, r5, r10\n\tadd r6, r6, r11\n\tsubs r9, r9, #1\n\tstr r9, [r0, #36]\n\tbne 1b\n\t"
                     "stmia r0, {r1-r4}"
                     : "+r"(r0)
                     :
                     : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

static inline void add_taps(block *work)
{
    const int8_t *in = work->input;
    const int32_t *w = work->weights;
    for (; work->rows > 0; work->rows--) {
        for (int32_t i = 0; i < work->columns; i++) {
            const uint32_t x = mcuq_load_word(in);
            const uint32_t even = mcuq_sxtab16(work->offsets, x);
            const uint32_t odd = mcuq_sxtab16_odd(work->offsets, x);
            work->sum[0] = mcuq_smlabb(even, (uint32_t)w[0], work->sum[0]);
            work->sum[1] = mcuq_smlabb(odd, (uint32_t)w[1], work->sum[1]);
            work->sum[2] = mcuq_smlatt(even, (uint32_t)w[0], work->sum[2]);
            work->sum[3] = mcuq_smlatt(odd, (uint32_t)w[1], work->sum[3]);
            in = &in[work->column_step];
            w = &w[2];
        }
        if (work->rows > 1) {
            in = &in[work->next_row];
            w = &w[work->next_weights / 4];
        }
    }
}

#endif

/* Four outputs: k their constants. */
static inline void finish(const block *work, const int32_t *k, int32_t least, int32_t greatest, int8_t *output)
{
    for (int32_t i = 0; i < 4; i++) {
        const int32_t doubled = mcuq_wrapping_shift_left(work->sum[i], 1U);
        const int32_t value =
            mcuq_requantize_twice(doubled, k[(4 * i) + 1], k[(4 * i) + 2], (uint32_t)k[(4 * i) + 3]);
        output[i] = (int8_t)mcuq_clamp(value, least, greatest);
    }
}

void mcuq_depthwise_direct_s8(const mcuq_depthwise_direct_s8_params *params, const int8_t *input,
                              const int32_t *weights, const int32_t *constants, int8_t *output)
{
    const int32_t channels = params->channels;
    const int32_t block_words = 2 * params->filter_height * params->filter_width;
    const int32_t least = params->activation_min;
    const int32_t greatest = params->activation_max;
    const uint32_t offsets = ((uint32_t)params->input_offset & 0xffffU) * 0x00010001U;
    for (int32_t n = 0; n < params->batches; n++) {
        for (int32_t y = 0; y < params->output_height; y++) {
            for (int32_t x = 0; x < params->output_width; x++) {
                const taps t = taps_of(params, y, x);
                const int32_t *w = &weights[t.first_weight];
                for (int32_t c = 0; c < channels; c += 4) {
                    const int32_t at = (c <= (channels - 4)) ? c : (channels - 4);
                    const int32_t *k = &constants[4 * at];
                    block work = {
                        .sum = {k[0], k[4], k[8], k[12]},
                        .input = &input[t.first_input + at],
                        .weights = w,
                        .column_step = t.column_step,
                        .offsets = offsets,
                        .columns = t.columns,
                        .rows = t.rows,
                        .next_row = t.row_step - (t.columns * t.column_step),
                        .next_weights = 4 * (t.row_weights - (2 * t.columns)),
                    };
                    if (t.rows > 0) {
                        add_taps(&work);
                    }
                    finish(&work, k, least, greatest, &output[at]);
                    w = &w[block_words];
                }
                output = &output[channels];
            }
        }
        input = &input[params->input_height * params->input_width * channels];
    }
}
