#include "mcuq_lstm_s8.h"

#include <stddef.h>
#include <string.h>

#include "mcuq_fixed_16.h"
#include "mcuq_requantize.h"

/* The constant tables, so that they pass as one. */
typedef struct {
    const int8_t *input_weights;
    const int32_t *input_bias;
    const int8_t *recurrent_weights;
    const int32_t *recurrent_bias;
} tables;

static inline int32_t dot(const int8_t *values, const int8_t *weights, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)values[i] * (int32_t)weights[i];
    }
    return sum;
}

static int32_t gate_argument(const mcuq_lstm_s8_params *p, const tables *t, int32_t gate, int32_t n, const int8_t *x,
                             const int8_t *h)
{
    const int32_t row = (gate * p->cells) + n;
    const int32_t of_input = t->input_bias[row] + dot(x, &t->input_weights[row * p->inputs], p->inputs);
    const int32_t recurrent = t->recurrent_bias[row] + dot(h, &t->recurrent_weights[row * p->cells], p->cells);
    const int32_t value =
        mcuq_saturate_16(mcuq_requantize_double(of_input, p->input_multipliers[gate], p->input_shifts[gate]));
    return mcuq_saturate_16(
        value + mcuq_requantize_double(recurrent, p->recurrent_multipliers[gate], p->recurrent_shifts[gate]));
}

/* One step of one sequence: the new hidden state goes to `output`, the cell state changes in place. */
static void one_step(const mcuq_lstm_s8_params *p, const tables *t, const int8_t *x, const int8_t *h, int16_t *cell,
                     int8_t *output)
{
    for (int32_t n = 0; n < p->cells; n++) {
        const int32_t in = mcuq_logistic_16(gate_argument(p, t, 0, n, x, h));
        const int32_t forget = mcuq_logistic_16(gate_argument(p, t, 1, n, x, h));
        const int32_t fresh = mcuq_tanh_16(gate_argument(p, t, 2, n, x, h), 3);
        const int32_t out = mcuq_logistic_16(gate_argument(p, t, 3, n, x, h));
        const int32_t kept = mcuq_rounding_shift_right(forget * (int32_t)cell[n], 15);
        const int32_t added = mcuq_rounding_shift_right(in * fresh, 30 - p->cell_exponent);
        const int32_t value = mcuq_clamp(kept + added, p->cell_min, p->cell_max);
        cell[n] = (int16_t)value;
        const int32_t product = out * mcuq_tanh_16(value, 15 - p->cell_exponent);
        output[n] = (int8_t)mcuq_clamp(
            p->hidden_offset + mcuq_requantize_double(product, p->hidden_multiplier, p->hidden_shift), INT8_MIN, INT8_MAX);
    }
}

void mcuq_lstm_s8(const mcuq_lstm_s8_params *params, const int8_t *input, const int8_t *input_weights,
                  const int32_t *input_bias, const int8_t *recurrent_weights, const int32_t *recurrent_bias,
                  int8_t *hidden, int16_t *cell, int8_t *output)
{
    const mcuq_lstm_s8_params *p = params;
    const tables t = {input_weights, input_bias, recurrent_weights, recurrent_bias};

    for (int32_t b = 0; b < p->sequences; b++) {
        for (int32_t step = 0; step < p->steps; step++) {
            const int32_t row = (b * p->sequence_step) + (step * p->time_step);
            int8_t *to = &output[row * p->cells];
            one_step(p, &t, &input[row * p->inputs], hidden, cell, to);
            (void)memcpy(hidden, to, (size_t)p->cells);
        }
        hidden += p->cells;
        cell += p->cells;
    }
}
