#include "mcuq_conv_2d_binary.h"

#include "mcuq_requantize.h"
#include "mcuq_window.h"

#define LANES 32
#define BLOCK 16  /* entries of a list that are counted together */
#define PLANES 16 /* bits of a count */
#define CONSTANTS 5 /* of an output */
#define FOUR_BYTES UINT32_C(0x01010101)

/* Where the lists are. */
typedef struct {
    uint16_t *counts;  /* of each input pixel's list */
    uint16_t *window;  /* the list of a window: words of its bits */
    uint8_t *channels; /* of each input pixel, those that are z + 1 */
} lists;

/* Bit k of the counts of 32 outputs, for k below 4. */
typedef struct {
    uint32_t ones;
    uint32_t twos;
    uint32_t fours;
    uint32_t eights;
} low_planes;

/* *sum + a + b in each bit: the sum's low bit stays, the carry is returned. */
static inline uint32_t add(uint32_t *sum, uint32_t a, uint32_t b)
{
    const uint32_t either = *sum ^ a;
    const uint32_t carry = (*sum & a) | (either & b);
    *sum = either ^ b;
    return carry;
}

static inline uint32_t add_2(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    return add(&low->ones, bits[list[0]], bits[list[1]]);
}

static inline uint32_t add_4(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    const uint32_t first = add_2(low, bits, list);
    return add(&low->twos, first, add_2(low, bits, &list[2]));
}

static inline uint32_t add_8(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    const uint32_t first = add_4(low, bits, list);
    return add(&low->fours, first, add_4(low, bits, &list[4]));
}

static inline uint32_t add_16(low_planes *low, const uint32_t *bits, const uint16_t *list)
{
    const uint32_t first = add_8(low, bits, list);
    return add(&low->eights, first, add_8(low, bits, &list[8]));
}

/* Counts, for each of 32 outputs, the bits in the listed words; length is a multiple of BLOCK. */
static __attribute__((noinline)) void count(const uint32_t *bits, const uint16_t *list, int32_t length,
                                            uint32_t planes[PLANES])
{
    low_planes low = {0U, 0U, 0U, 0U};
    for (int32_t k = 4; k < PLANES; k++) {
        planes[k] = 0U;
    }
    for (int32_t i = 0; i < length; i += BLOCK) {
        uint32_t carry = add_16(&low, bits, &list[i]);
        for (int32_t k = 4; carry != 0U; k++) {
            const uint32_t before = planes[k];
            planes[k] = before ^ carry;
            carry &= before;
        }
    }
    planes[0] = low.ones;
    planes[1] = low.twos;
    planes[2] = low.fours;
    planes[3] = low.eights;
}

/* Bits j, j + 8, j + 16, j + 24 of a plane, as four bytes. */
static inline uint32_t four_lanes(uint32_t plane, int32_t j)
{
    return (plane >> (uint32_t)j) & FOUR_BYTES;
}

static inline uint32_t two_planes(const uint32_t *planes, int32_t j)
{
    return four_lanes(planes[0], j) + (four_lanes(planes[1], j) << 1);
}

static inline uint32_t four_planes(const uint32_t *planes, int32_t j)
{
    return two_planes(planes, j) + (two_planes(&planes[2], j) << 2);
}

/* The counts in the planes below used. */
static __attribute__((noinline)) void spread(const uint32_t planes[PLANES], int32_t used, uint16_t counts[LANES])
{
    for (int32_t j = 0; j < (LANES / 4); j++) {
        const uint32_t low = four_planes(planes, j) + (four_planes(&planes[4], j) << 4);
        uint32_t high = 0U;
        for (int32_t k = used - 1; k >= 8; k--) {
            high = (high << 1) + four_lanes(planes[k], j);
        }
        counts[j] = (uint16_t)((low & 0xFFU) | ((high & 0xFFU) << 8));
        counts[j + 8] = (uint16_t)(((low >> 8) & 0xFFU) | (high & 0xFF00U));
        counts[j + 16] = (uint16_t)(((low >> 16) & 0xFFU) | ((high >> 8) & 0xFF00U));
        counts[j + 24] = (uint16_t)((low >> 24) | ((high >> 16) & 0xFF00U));
    }
}

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

/* Outputs from their counts, set activations being above the zero point. */
static __attribute__((noinline)) void finish(const mcuq_conv_2d_binary_params *p, const int32_t *constants,
                                             int32_t outputs, const uint16_t *counts, int32_t set, int8_t *output)
{
    const int32_t offset = p->output_offset;
    const int32_t least = p->activation_min;
    const int32_t greatest = p->activation_max;
    for (int32_t i = 0; i < outputs; i++) {
        const int32_t acc = constants[0] + (constants[1] * set) + (constants[2] * (int32_t)counts[i]);
        const int32_t scaled = mcuq_rounding_shift_right(mcuq_doubling_high_multiply(acc, constants[3]), constants[4]);
        output[i] = (int8_t)mcuq_clamp(offset + scaled, least, greatest);
        constants += CONSTANTS;
    }
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
    found.channels = (uint8_t *)&found.window[depth + BLOCK - 1];
    list_channels(&p, input, &found);

    const int32_t output_image = p.output_height * p.output_width;
    const int32_t pixels = p.batches * output_image;
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        const int32_t n = pixel / output_image;
        const int32_t y = (pixel % output_image) / p.output_width;
        const int32_t x = pixel % p.output_width;
        const int32_t set =
            join(&p, &found, n * image, (y * p.stride_height) - p.pad_top, (x * p.stride_width) - p.pad_left);
        int32_t length = set;
        while ((length % BLOCK) != 0) {
            found.window[length] = (uint16_t)depth; /* the word of zeros */
            length++;
        }
        int32_t used = 0;
        while ((set >> used) != 0) {
            used++;
        }
        const uint32_t *group = bits;
        for (int32_t first = 0; first < p.output_channels; first += LANES) {
            const int32_t left = p.output_channels - first;
            uint32_t planes[PLANES];
            uint16_t counts[LANES];
            count(group, found.window, length, planes);
            spread(planes, used, counts);
            finish(&p, &outputs[first * CONSTANTS], (left < LANES) ? left : LANES, counts, set, &output[first]);
            group += depth + 1;
        }
        output += p.output_channels;
    }
}
