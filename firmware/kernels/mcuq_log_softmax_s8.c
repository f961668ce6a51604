#include "mcuq_log_softmax_s8.h"

#include "mcuq_reciprocal.h"

#define SUM_INTEGER_BITS 12
#define OUTPUT_SHIFT 22

static inline int32_t product(int32_t a, int32_t b)
{
    return mcuq_doubling_high_multiply(a, b);
}

static inline int32_t least(int32_t a, int32_t b)
{
    return (a < b) ? a : b;
}

static inline int32_t greatest(int32_t a, int32_t b)
{
    return (a > b) ? a : b;
}

/* Of a positive value: the shift to the left that makes it 2^30 or more. */
static inline int32_t headroom(int32_t value)
{
    int32_t bits = 0;
    while ((value << bits) < (1 << 30)) {
        bits++;
    }
    return bits;
}

/* log of a Q12.19 value of at least 1, in Q5.26; constants in Q0.31, powers of two in Q6.25. */
static int32_t logarithm(int32_t value)
{
    const int32_t sqrt_half = 1518500250;
    const int32_t fourth_root_half = 1805811301;
    const int32_t quarter = 1 << 23;

    const int32_t shift_a = headroom(value);
    const int32_t half_a = product(value << shift_a, sqrt_half);
    const int32_t r_a = (half_a >= (1 << 30)) ? INT32_MAX : (half_a * 2);
    const int32_t power_a = ((SUM_INTEGER_BITS - (shift_a + 1)) * (1 << 25)) + quarter;
    const int32_t shift_b = headroom(product(value, sqrt_half));
    const int32_t r_b = (value > (INT32_MAX >> shift_b)) ? INT32_MAX : (value << shift_b);
    const int32_t power_b = ((SUM_INTEGER_BITS - shift_b) * (1 << 25)) - quarter;

    const int32_t r = least(r_a, r_b);
    const int32_t p = (int32_t)(((uint32_t)r + (uint32_t)fourth_root_half + 1U) >> 1);
    const int32_t q = 2 * (r - fourth_root_half);
    const int32_t square = product(q, q);
    const int32_t numerator = product(q, r) + product(product(q, square), 117049297);
    const int32_t series = 1057819769 + q + product(127690142, square);
    const int32_t denominator = product(p, series) + product(638450708, q);
    const int32_t quotient = product(mcuq_rounding_shift_right(numerator, 6), mcuq_reciprocal((uint32_t)denominator));
    return 2 * (product(greatest(power_a, power_b), 1488522236) + quotient); /* log 2; at most log 4095, no overflow */
}

void mcuq_log_softmax_s8(const mcuq_log_softmax_s8_params *params, const int32_t *exponentials, const int8_t *input,
                         int8_t *output)
{
    const mcuq_log_softmax_s8_params p = *params;
    for (int32_t row = 0; row < p.rows; row++) {
        int32_t max = INT8_MIN;
        for (int32_t i = 0; i < p.row_size; i++) {
            max = greatest(max, input[i]);
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < p.row_size; i++) {
            const int32_t entry = max - input[i];
            sum += (entry < p.entries) ? mcuq_rounding_shift_right(exponentials[entry], SUM_INTEGER_BITS) : 0;
        }
        const int32_t log_sum = logarithm(sum);
        const int32_t reach = mcuq_requantize_double(log_sum + INT32_MIN, p.reverse_multiplier, p.reverse_shift);
        const int32_t below = greatest(p.least_difference - 1, reach);
        for (int32_t i = 0; i < p.row_size; i++) {
            const int32_t difference = input[i] - max;
            int32_t value = INT8_MIN;
            if (difference > below) {
                const int32_t x = mcuq_requantize_double(difference, p.multiplier, p.shift);
                value = mcuq_clamp(mcuq_rounding_shift_right(x - log_sum, OUTPUT_SHIFT) + 127, INT8_MIN, INT8_MAX);
            }
            output[i] = (int8_t)value;
        }
        input += p.row_size;
        output += p.row_size;
    }
}
