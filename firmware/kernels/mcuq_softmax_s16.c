#include "mcuq_softmax_s16.h"

#include "mcuq_requantize.h"

/* The table's value at the last 16 bits of a number, -32768 standing for the first entry. */
static inline int32_t looked_up(const int16_t *table, int32_t value)
{
    const int32_t index = 256 + (value >> 7);
    const int32_t slope = table[index + 1] - table[index];
    return table[index] + (((slope * (value & 0x7F)) + 64) >> 7);
}

void mcuq_softmax_s16(const mcuq_softmax_s16_params *params, const int16_t *exponentials, const int16_t *reciprocals,
                      const int16_t *input, int16_t *output)
{
    const mcuq_softmax_s16_params p = *params;
    for (int32_t row = 0; row < p.rows; row++) {
        int32_t max = INT16_MIN;
        for (int32_t i = 0; i < p.row_size; i++) {
            max = (input[i] > max) ? input[i] : max;
        }

        uint32_t sum = 0U;
        for (int32_t i = 0; i < p.row_size; i++) {
            const int32_t argument = mcuq_requantize_double(input[i] - max, p.multiplier, p.shift) + INT16_MAX;
            const int32_t e = looked_up(exponentials, mcuq_clamp(argument, INT16_MIN, INT16_MAX));
            output[i] = (int16_t)e;
            sum += (uint32_t)e;
        }

        /* The greatest element alone adds about 2^15, so the loop ends with a shift of 14 or more. */
        int32_t shift = 30;
        while ((sum & (UINT32_C(1) << 30)) == 0U) {
            sum <<= 1;
            shift--;
        }
        const int32_t above_one = (int32_t)((sum + (1U << 13)) >> 14) - ((1 << 15) + (1 << 16));
        const int32_t reciprocal = looked_up(reciprocals, mcuq_clamp(above_one, INT16_MIN, INT16_MAX));
        for (int32_t i = 0; i < p.row_size; i++) {
            const int32_t scaled = ((output[i] * reciprocal) + (1 << (shift - 1))) >> shift;
            output[i] = (int16_t)mcuq_clamp(scaled, 0, INT16_MAX);
        }
        input += p.row_size;
        output += p.row_size;
    }
}
