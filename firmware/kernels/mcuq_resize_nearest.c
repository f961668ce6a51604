#include "mcuq_resize_nearest.h"

#include <stddef.h>
#include <string.h>

void mcuq_resize_nearest(const mcuq_resize_nearest_params *params, const int32_t *rows, const int32_t *columns,
                         const void *input, void *output)
{
    const mcuq_resize_nearest_params p = *params;
    const uint8_t *image = input;
    uint8_t *to = output;
    for (int32_t i = 0; i < p.batches; i++) {
        for (int32_t y = 0; y < p.height; y++) {
            const uint8_t *row = &image[rows[y]];
            for (int32_t x = 0; x < p.width; x++) {
                (void)memcpy(to, &row[columns[x]], (size_t)p.run);
                to += p.run;
            }
        }
        image += p.image_bytes;
    }
}
