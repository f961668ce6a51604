/* Windows of a convolution of float32: their place in the input, by the parameters of mcuq_conv_2d_f32.h. */
#ifndef MCUQ_WINDOW_F32_H
#define MCUQ_WINDOW_F32_H

#include "mcuq_conv_2d_f32.h"
#include "mcuq_window.h"

/* A window's taps inside the input, and the element of its tap 0 (outside where there is padding). */
typedef struct {
    mcuq_taps rows;
    mcuq_taps columns;
    int32_t origin;
} mcuq_window_f32;

/* The window of output pixel (y, x). */
static inline mcuq_window_f32 mcuq_window_f32_at(const mcuq_conv_2d_f32_params *p, int32_t y, int32_t x)
{
    const int32_t top = (y * p->stride_height) - p->pad_top;
    const int32_t left = (x * p->stride_width) - p->pad_left;
    const mcuq_window_f32 found = {mcuq_taps_inside(top, p->filter_height, p->dilation_height, p->input_height),
                                   mcuq_taps_inside(left, p->filter_width, p->dilation_width, p->input_width),
                                   ((top * p->input_width) + left) * p->input_channels};
    return found;
}

/* The element of channel 0 at tap (ky, kx). */
static inline int32_t mcuq_window_f32_tap(const mcuq_conv_2d_f32_params *p, const mcuq_window_f32 *at, int32_t ky,
                                          int32_t kx)
{
    const int32_t pixel = (ky * p->dilation_height * p->input_width) + (kx * p->dilation_width);
    return at->origin + (pixel * p->input_channels);
}

#endif
