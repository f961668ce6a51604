#include "mcuq_conv_2d_binary.h"

#include "mcuq_count_bits.h"
#include "mcuq_requantize.h"
#include "mcuq_window.h"


/* Where the lists are. */
typedef struct {
    uint16_t *counts;  /* of each input pixel's list */
    uint16_t *window;  /* the list of a window: words of its bits */
    uint8_t *channels; /* of each input pixel, those that are z + 1 */
} lists;

/* Lists the channels of every pixel that are above the zero point. */
static void list_channels(const mcuq_conv_2d_binary_params *p, const int8_t *input, const lists *to)
{
    const int32_t pixels = p->batches * p->input_height * p->input_width;
    const int32_t channels = p->channels;
    const int32_t zero_point = p->zero_point;
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        const int8_t *in = &input[pixel * channels];
        uint8_t *list = &to->channels[pixel * channels];
        int32_t n = 0;
        for (int32_t i = 0; i < channels; i++) { /* n <= i */
            list[n] = (uint8_t)i;
            n += (int32_t)in[i] - zero_point;
        }
        to->counts[pixel] = (uint16_t)n;
    }
}

/* Joins the lists of the window whose first tap is at (top, left) of the image that begins at pixel first. */
static int32_t join(const mcuq_conv_2d_binary_params *p, const lists *from, int32_t first, int32_t top, int32_t left)
{
    const mcuq_taps rows = mcuq_taps_inside(top, p->window_height, 1, p->input_height);
    const mcuq_taps columns = mcuq_taps_inside(left, p->window_width, 1, p->input_width);
    uint16_t *to = from->window;
    int32_t length = 0;
    for (int32_t ky = rows.first; ky < rows.end; ky++) {
        for (int32_t kx = columns.first; kx < columns.end; kx++) {
            const int32_t pixel = first + ((top + ky) * p->input_width) + left + kx;
            const int32_t start = ((ky * p->window_width) + kx) * p->channels;
            const uint8_t *list = &from->channels[pixel * p->channels];
            const int32_t n = from->counts[pixel];
            for (int32_t i = 0; i < n; i += 4) { /* up to 3 more, which the next ones replace */
                to[length + i] = (uint16_t)(start + list[i]);
                to[length + i + 1] = (uint16_t)(start + list[i + 1]);
                to[length + i + 2] = (uint16_t)(start + list[i + 2]);
                to[length + i + 3] = (uint16_t)(start + list[i + 3]);
            }
            length += n;
        }
    }
    return length;
}

/* Outputs from their counts, set activations being above the zero point. line is a literal. */
static inline __attribute__((always_inline)) void finish(const mcuq_conv_2d_binary_params *p, const int32_t *constants,
                                                         int32_t outputs, const uint16_t *counts, int32_t set,
                                                         int8_t *output, const bool line)
{
    const int32_t offset = p->output_offset;
    const int32_t least = p->activation_min;
    const int32_t greatest = p->activation_max;
    for (int32_t i = 0; i < outputs; i++) {
        int32_t value;
        if (line) {
            value = mcuq_count_line(constants, counts[i], set);
        } else {
            const int32_t acc = constants[0] + (constants[1] * set) + (constants[2] * (int32_t)counts[i]);
            value = offset + mcuq_rounding_shift_right(mcuq_doubling_high_multiply(acc, constants[3]), constants[4]);
        }
        output[i] = (int8_t)mcuq_clamp(value, least, greatest);
        constants += MCUQ_BIT_CONSTANTS;
    }
}

static __attribute__((noinline)) void finish_line(const mcuq_conv_2d_binary_params *p, const int32_t *constants,
                                                  int32_t outputs, const uint16_t *counts, int32_t set, int8_t *output)
{
    finish(p, constants, outputs, counts, set, output, true);
}

static __attribute__((noinline)) void finish_twice(const mcuq_conv_2d_binary_params *p, const int32_t *constants,
                                                   int32_t outputs, const uint16_t *counts, int32_t set, int8_t *output)
{
    finish(p, constants, outputs, counts, set, output, false);
}

void mcuq_conv_2d_binary(const mcuq_conv_2d_binary_params *params, const int8_t *input, const uint32_t *bits,
                         const int32_t *outputs, uint16_t *scratch, int8_t *output)
{
    const mcuq_conv_2d_binary_params p = *params;
    const int32_t depth = p.window_height * p.window_width * p.channels;
    const int32_t image = p.input_height * p.input_width;
    lists found;
    found.counts = scratch;
    found.window = &scratch[p.batches * image];
    found.channels = (uint8_t *)&found.window[depth + MCUQ_BIT_BLOCK - 1];
    list_channels(&p, input, &found);

    const int32_t output_image = p.output_height * p.output_width;
    const int32_t pixels = p.batches * output_image;
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        const int32_t n = pixel / output_image;
        const int32_t y = (pixel % output_image) / p.output_width;
        const int32_t x = pixel % p.output_width;
        const int32_t set =
            join(&p, &found, n * image, (y * p.stride_height) - p.pad_top, (x * p.stride_width) - p.pad_left);
        const int32_t length = mcuq_fill_block(found.window, set, depth);
        const uint32_t *group = bits;
        for (int32_t first = 0; first < p.output_channels; first += MCUQ_BIT_LANES) {
            const int32_t left = p.output_channels - first;
            uint16_t counts[MCUQ_BIT_LANES];
            mcuq_count_bits(group, found.window, length, set, counts);
            const int32_t some = (left < MCUQ_BIT_LANES) ? left : MCUQ_BIT_LANES;
            if (p.line) {
                finish_line(&p, &outputs[first * MCUQ_BIT_CONSTANTS], some, counts, set, &output[first]);
            } else {
                finish_twice(&p, &outputs[first * MCUQ_BIT_CONSTANTS], some, counts, set, &output[first]);
            }
            group += depth + 1;
        }
        output += p.output_channels;
    }
}
