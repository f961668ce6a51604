/* One input of a concatenation: rows of input_row bytes go to distance bytes behind the start of the output's rows.
 *
 * out[row * output_row + distance + i] = in[row * input_row + i]
 *
 * One call for each input; output_row is the sum of all inputs' rows. Layouts: any; a row is all that lies within one
 * step of the axes before the concatenated one. Scratch: none. Cost: that of memcpy, one call a row.
 */
#ifndef MCUQ_CONCATENATION_S8_H
#define MCUQ_CONCATENATION_S8_H

#include <stdint.h>

void mcuq_concatenation_s8(int32_t rows, int32_t input_row, int32_t output_row, int32_t distance, const int8_t *input,
                           int8_t *output);

#endif
