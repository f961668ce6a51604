#include "mcuq_softmax_s8.h"

#include "mcuq_reciprocal.h"

#define SUM_INTEGER_BITS 12

static inline int32_t exponential(const int32_t *exponentials, int32_t entries, int32_t difference)
{
    return (difference < entries) ? exponentials[difference] : 0;
}

void mcuq_softmax_s8(const int32_t *exponentials, int32_t entries, int32_t rows, int32_t row_size, const int8_t *input,
                     int8_t *output)
{
    for (int32_t row = 0; row < rows; row++) {
        int32_t max = INT8_MIN;
        for (int32_t i = 0; i < row_size; i++) {
            max = (input[i] > max) ? input[i] : max;
        }

        uint32_t sum = 0U;
        for (int32_t i = 0; i < row_size; i++) {
            sum += (uint32_t)mcuq_rounding_shift_right(exponential(exponentials, entries, max - input[i]), SUM_INTEGER_BITS);
        }

        /* The greatest element alone adds 1.0, so sum is at least 2^19 and the loop ends. */
        int32_t shift = SUM_INTEGER_BITS + 31 - 8;
        while ((sum & (UINT32_C(1) << 31)) == 0U) {
            sum <<= 1;
            shift--;
        }
        const int32_t scale = mcuq_reciprocal(sum - (UINT32_C(1) << 31));

        for (int32_t i = 0; i < row_size; i++) {
            const int32_t product = mcuq_doubling_high_multiply(exponential(exponentials, entries, max - input[i]), scale);
            /* A row whose sum is 512 or more has no output above one half of a 256th. */
            const int32_t scaled = (shift > 31) ? 0 : mcuq_rounding_shift_right(product, shift);
            output[i] = (int8_t)mcuq_clamp(scaled - 128, INT8_MIN, INT8_MAX);
        }
        input += row_size;
        output += row_size;
    }
}
