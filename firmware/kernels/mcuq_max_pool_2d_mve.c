#include "mcuq_pool_2d_mve.h"
#include "mcuq_window.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

static void pixel(const mcuq_pool_2d_s8_params *p, const int8_t *window, int32_t height, int32_t width, int8_t *output)
{
    for (int32_t left = p->channels; left > 0; left -= 16) {
        const mve_pred16_t some = vctp8q((uint32_t)left);
        int8x16_t value = vdupq_n_s8((int8_t)p->activation_min);
        const int8_t *row = window;
        for (int32_t y = height; y > 0; y--) {
            const int8_t *tap = row;
            for (int32_t x = width; x > 0; x--) {
                value = vmaxq_s8(value, vldrbq_z_s8(tap, some));
                tap += p->channels;
            }
            row += p->input_width * p->channels;
        }
        vstrbq_p_s8(output, vminq_s8(value, vdupq_n_s8((int8_t)p->activation_max)), some);
        window += 16;
        output += 16;
    }
}

#else

#include "mcuq_requantize.h"

static void pixel(const mcuq_pool_2d_s8_params *p, const int8_t *window, int32_t height, int32_t width, int8_t *output)
{
    for (int32_t c = 0; c < p->channels; c++) {
        int32_t value = p->activation_min;
        for (int32_t y = 0; y < height; y++) {
            for (int32_t x = 0; x < width; x++) {
                const int32_t tap = window[(((y * p->input_width) + x) * p->channels) + c];
                value = (tap > value) ? tap : value;
            }
        }
        output[c] = (int8_t)mcuq_clamp(value, p->activation_min, p->activation_max);
    }
}

#endif

void mcuq_max_pool_2d_mve(const mcuq_pool_2d_s8_params *params, const int8_t *input, int8_t *output)
{
    const mcuq_pool_2d_s8_params p = *params;
    const int32_t input_row = p.input_width * p.channels;
    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int32_t top = (y * p.stride_height) - p.pad_top;
            const mcuq_taps rows = mcuq_taps_inside(top, p.filter_height, 1, p.input_height);
            for (int32_t x = 0; x < p.output_width; x++) {
                const int32_t left = (x * p.stride_width) - p.pad_left;
                const mcuq_taps columns = mcuq_taps_inside(left, p.filter_width, 1, p.input_width);
                const int8_t *const window =
                    &input[((top + rows.first) * input_row) + ((left + columns.first) * p.channels)];
                pixel(&p, window, rows.end - rows.first, columns.end - columns.first, output);
                output += p.channels;
            }
        }
        input += p.input_height * input_row;
    }
}
