#include "mcuq_ring.h"

#include <string.h>

void mcuq_ring_push(const mcuq_ring_params *params, const void *input, int32_t frames, void *ring, int32_t *place)
{
    const uint8_t *const from = input;
    uint8_t *const kept = ring;
    const int32_t bytes = params->row_bytes;
    int32_t at = *place;
    for (int32_t frame = 0; frame < frames; frame++) {
        uint8_t *const to = kept + at * params->rows * bytes;
        for (int32_t row = 0; row < params->rows; row++) {
            (void)memcpy(to + row * bytes, from + (row * frames + frame) * bytes, (size_t)bytes);
        }
        at++;
        if (at == params->capacity) {
            at = 0;
        }
    }
    *place = at;
}

void mcuq_ring_read(const mcuq_ring_params *params, const void *ring, const int32_t *place, int32_t age, int32_t count,
                    int32_t step, void *output)
{
    const uint8_t *const kept = ring;
    uint8_t *const to = output;
    const int32_t bytes = params->row_bytes;
    int32_t at = *place - 1 - age;
    if (at < 0) {
        at += params->capacity;
    }
    int32_t frame = 0;
    while (frame < count) {
        const uint8_t *const from = kept + at * params->rows * bytes;
        int32_t run = 1;
        if (params->rows == 1) {
            if (step == 1) {
                const int32_t left = count - frame;
                const int32_t together = params->capacity - at;
                run = left < together ? left : together;
            }
            (void)memcpy(to + frame * bytes, from, (size_t)(run * bytes));
        } else {
            for (int32_t row = 0; row < params->rows; row++) {
                (void)memcpy(to + (row * count + frame) * bytes, from + row * bytes, (size_t)bytes);
            }
        }
        frame += run;
        at += run * step;
        if (at >= params->capacity) {
            at -= params->capacity;
        }
    }
}
