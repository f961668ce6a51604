/* Long short-term memory over sequences: int8 data and hidden state, int16 cell state.
 *
 * For each step and each of the four gates (input i, forget f, cell g, output o; in this order in all tables)
 *   argument = saturate(requantize_double(input_bias + sum of x * input_weights)
 *                       + requantize_double(recurrent_bias + sum of h * recurrent_weights)), with a scale of 2^-12
 * and i, f, o are its logistic function, g its tanh (mcuq_fixed_16.h). Then
 *   cell = saturate(round(f * cell / 2^15) + round(i * g / 2^(30 - cell_exponent))), clipped,
 *   hidden = clamp(hidden_offset + requantize_double(o * tanh(cell))), which is the output too.
 * The biases hold the zero points already: input_bias = b - z_x * sum of the weights, recurrent_bias = -z_h * the same.
 *
 * Step t of sequence b lies at b * sequence_step + t * time_step rows of the data, and of the output; a row is `inputs`, or
 * `cells`, bytes. Weights are gates x cells x inputs and gates x cells x cells, biases gates x cells. Both states are
 * sequences x cells, and are changed. The output holds a step's hidden state until all cells have read the one before.
 * Scratch: none.
 * Cost: about 5 instructions a multiply-accumulate on a Cortex-M4, and 900 for each cell and step.
 */
#ifndef MCUQ_LSTM_S8_H
#define MCUQ_LSTM_S8_H

#include <stdint.h>

#define MCUQ_LSTM_GATES 4

typedef struct {
    int32_t sequences;
    int32_t steps;
    int32_t inputs;
    int32_t cells;
    int32_t sequence_step;
    int32_t time_step;
    int32_t input_multipliers[MCUQ_LSTM_GATES];
    int32_t input_shifts[MCUQ_LSTM_GATES];
    int32_t recurrent_multipliers[MCUQ_LSTM_GATES];
    int32_t recurrent_shifts[MCUQ_LSTM_GATES];
    int32_t cell_exponent; /* 11 to 15: the cell state's scale is 2^-cell_exponent */
    int32_t cell_min;      /* the clip, else the limits of int16 */
    int32_t cell_max;
    int32_t hidden_multiplier;
    int32_t hidden_shift;
    int32_t hidden_offset; /* the hidden state's zero point */
} mcuq_lstm_s8_params;

void mcuq_lstm_s8(const mcuq_lstm_s8_params *params, const int8_t *input, const int8_t *input_weights,
                  const int32_t *input_bias, const int8_t *recurrent_weights, const int32_t *recurrent_bias,
                  int8_t *hidden, int16_t *cell, int8_t *output);

#endif
