#include "mcuq_window_mve.h"

#include <string.h>

#include "mcuq_copy_mve.h"

/* count pixels of the zero point, pitch bytes apart. */
static int8_t *fill(int8_t *to, int32_t count, int32_t channels, int32_t pitch, int32_t zero_point)
{
    for (int32_t i = 0; i < count; i++) {
        (void)memset(to, zero_point, (size_t)channels);
        to += pitch;
    }
    return to;
}

/* Few channels, a literal in every call. */
static inline __attribute__((always_inline)) void spread_few(int8_t *to, const int8_t *from, int32_t count,
                                                             int32_t channels, int32_t pitch)
{
    for (int32_t i = count; i > 0; i--) {
        for (int32_t c = 0; c < channels; c++) {
            to[c] = from[c];
        }
        to += pitch;
        from += channels;
    }
}

/* count pixels of the input, pitch bytes apart. */
static int8_t *spread(int8_t *to, const int8_t *from, int32_t count, int32_t channels, int32_t pitch)
{
    if (channels == 1) {
        spread_few(to, from, count, 1, pitch);
    } else if (channels == 3) {
        spread_few(to, from, count, 3, pitch);
    } else {
        int8_t *pixel = to;
        for (int32_t i = count; i > 0; i--) {
            mcuq_copy_mve(pixel, from, channels);
            pixel += pitch;
            from += channels;
        }
    }
    return &to[count * pitch];
}

/* Input row y, or padding where there is none, into the buffer's row that begins at to. */
static void load_row(const mcuq_window_mve *p, const int8_t *image, int32_t y, int8_t *to)
{
    const int32_t pitch = p->window_height * p->channels;
    if ((y < 0) || (y >= p->input_height)) {
        (void)fill(to, p->columns, p->channels, pitch, p->zero_point);
        return;
    }
    const int32_t room = p->columns - p->pad_left;
    const int32_t inside = (room < p->input_width) ? room : p->input_width;
    to = fill(to, p->pad_left, p->channels, pitch, p->zero_point);
    to = spread(to, &image[y * p->input_width * p->channels], inside, p->channels, pitch);
    (void)fill(to, room - inside, p->channels, pitch, p->zero_point);
}

const int8_t *mcuq_window_mve_row(const mcuq_window_mve *window, const int8_t *image, int32_t y, int8_t *scratch)
{
    const int32_t step = window->stride_height * window->channels;
    const int32_t bytes = window->columns * window->window_height * window->channels;
    const int32_t moved = y % (window->slack_moves + 1);
    int8_t *const buffer = &scratch[moved * step];
    int32_t kept = 0; /* rows that are in the buffer already */
    if ((y > 0) && (window->slack_moves > 0)) {
        kept = window->window_height - window->stride_height;
        if (moved == 0) {
            mcuq_copy_mve(buffer, &scratch[(window->slack_moves + 1) * step], bytes - step);
        }
    }
    const int32_t top = (y * window->stride_height) - window->pad_top;
    for (int32_t row = kept; row < window->window_height; row++) {
        load_row(window, image, top + row, &buffer[row * window->channels]);
    }
    return buffer;
}
