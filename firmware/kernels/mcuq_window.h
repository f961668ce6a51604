/* Which taps of a window fall inside the input: shared by convolutions and poolings. */
#ifndef MCUQ_WINDOW_H
#define MCUQ_WINDOW_H

#include <stdint.h>

/* Taps first .. end-1 of a window whose tap 0 is at origin lie inside 0 .. size-1; first >= end when none does. */
typedef struct {
    int32_t first;
    int32_t end;
} mcuq_taps;

static inline mcuq_taps mcuq_taps_inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size)
{
    mcuq_taps inside = {0, taps};
    if (origin < 0) {
        inside.first = (dilation - 1 - origin) / dilation;
    }
    const int32_t room = size - origin; /* taps below room / dilation, rounded up, start before the end */
    if (room <= 0) {
        inside.end = 0;
    } else {
        const int32_t reach = (room + dilation - 1) / dilation;
        if (reach < inside.end) {
            inside.end = reach;
        }
    }
    return inside;
}

#endif
