/* Which taps of a transposed convolution's window reach an output pixel: shared by its kernels. */
#ifndef MCUQ_TRANSPOSED_WINDOW_H
#define MCUQ_TRANSPOSED_WINDOW_H

#include <stdint.h>

/* The taps first, first + stride .. end-1 of one axis read the input from pixel `pixel` on, going down. */
typedef struct {
    int32_t first;
    int32_t end;
    int32_t pixel;
} mcuq_transposed_taps;

/* `place` is the output's row or column plus the padding before it. */
static inline mcuq_transposed_taps mcuq_transposed_taps_at(int32_t place, int32_t window, int32_t stride, int32_t size)
{
    mcuq_transposed_taps found = {place % stride, (place < window) ? (place + 1) : window, place / stride};
    if (found.pixel >= size) {
        found.first += (found.pixel - (size - 1)) * stride;
        found.pixel = size - 1;
    }
    return found;
}

#endif
