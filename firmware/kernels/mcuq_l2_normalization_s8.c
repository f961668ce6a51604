#include "mcuq_l2_normalization_s8.h"

#include "mcuq_requantize.h"

#define OUTPUT_SHIFT 7

typedef struct {
    int32_t multiplier;
    int32_t shift;
} factor;

/* value * 2^bits, saturated. */
static inline int32_t saturating_shift_left(int32_t value, int32_t bits)
{
    const int32_t most = INT32_MAX >> bits;
    if (value > most) {
        return INT32_MAX;
    }
    return (value < (-most - 1)) ? INT32_MIN : (value * (1 << bits));
}

static factor inverse_square_root(int32_t value)
{
    if (value <= 1) {
        return (factor){INT32_MAX, 0};
    }
    int32_t shift = 11;
    int32_t normalised = value;
    while (normalised >= (1 << 29)) {
        normalised /= 4;
        shift++;
    }
    while (normalised < (1 << 27)) {
        normalised *= 4;
        shift--;
    }
    const int32_t half = mcuq_rounding_shift_right(normalised >> 1, 1);
    int32_t x = 1 << 28;
    for (int32_t step = 0; step < 5; step++) {
        const int32_t square = mcuq_doubling_high_multiply(x, x);
        const int32_t cube = saturating_shift_left(mcuq_doubling_high_multiply(square, x), 6);
        const int32_t three_halves = mcuq_doubling_high_multiply((1 << 28) + (1 << 27), x);
        x = saturating_shift_left(three_halves - mcuq_doubling_high_multiply(half, cube), 3);
    }
    x = mcuq_doubling_high_multiply(x, 1518500250); /* the square root of 1/2 */
    return (shift < 0) ? (factor){x * (1 << -shift), 0} : (factor){x, -shift};
}

void mcuq_l2_normalization_s8(int32_t input_offset, int32_t rows, int32_t row_size, const int8_t *input,
                              int8_t *output)
{
    for (int32_t row = 0; row < rows; row++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < row_size; i++) {
            const int32_t x = (int32_t)input[i] + input_offset;
            sum += x * x;
        }
        const factor inverse = inverse_square_root(sum);
        for (int32_t i = 0; i < row_size; i++) {
            const int32_t x = (int32_t)input[i] + input_offset;
            const int32_t y = mcuq_requantize_double(x, inverse.multiplier, inverse.shift + OUTPUT_SHIFT);
            output[i] = (int8_t)mcuq_clamp(y, INT8_MIN, INT8_MAX);
        }
        input += row_size;
        output += row_size;
    }
}
