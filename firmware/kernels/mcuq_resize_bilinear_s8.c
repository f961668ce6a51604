#include "mcuq_resize_bilinear_s8.h"

#define ONE 1024
#define HALF (1 << 19)
#define WHOLE (1 << 20)

/* One output pixel from two pixels of each of two rows. */
static void mix(const int8_t *upper, const int8_t *lower, const int32_t *column, int32_t down, int32_t depth,
                int8_t *output)
{
    const int8_t *a = &upper[column[0]];
    const int8_t *b = &upper[column[1]];
    const int8_t *c = &lower[column[0]];
    const int8_t *d = &lower[column[1]];
    const int32_t right = column[2];
    const int32_t of_a = (ONE - down) * (ONE - right);
    const int32_t of_b = (ONE - down) * right;
    const int32_t of_c = down * (ONE - right);
    const int32_t of_d = down * right;
    for (int32_t i = 0; i < depth; i++) {
        const int32_t sum = (a[i] * of_a) + (b[i] * of_b) + (c[i] * of_c) + (d[i] * of_d);
        output[i] = (int8_t)((sum + ((sum > 0) ? HALF : -HALF)) / WHOLE);
    }
}

void mcuq_resize_bilinear_s8(const mcuq_resize_bilinear_s8_params *params, const int32_t *rows, const int32_t *columns,
                             const int8_t *input, int8_t *output)
{
    const mcuq_resize_bilinear_s8_params p = *params;
    for (int32_t i = 0; i < p.batches; i++) {
        for (int32_t y = 0; y < p.height; y++) {
            const int32_t *row = &rows[3 * y];
            for (int32_t x = 0; x < p.width; x++) {
                mix(&input[row[0]], &input[row[1]], &columns[3 * x], row[2], p.depth, output);
                output += p.depth;
            }
        }
        input += p.image_bytes;
    }
}
