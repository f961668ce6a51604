/* One input of a concatenation of uint8 whose quantization is not the output's: bytes through a table.
 *
 * out[row * output_row + i] = table[in[row * input_row + i]]
 *
 * One call for each input; output is where its part begins, output_row is the sum of all inputs' rows. Layouts: any; a
 * row is all that lies within one step of the axes before the concatenated one. Scratch: none.
 * Cost on a Cortex-M4: 6 cycles an element.
 */
#ifndef MCUQ_CONCATENATION_U8_H
#define MCUQ_CONCATENATION_U8_H

#include <stdint.h>

void mcuq_concatenation_u8(const uint8_t *table, int32_t rows, int32_t input_row, int32_t output_row,
                           const uint8_t *input, uint8_t *output);

#endif
