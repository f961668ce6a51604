#include "mcuq_concatenation_u8.h"

void mcuq_concatenation_u8(const uint8_t *table, int32_t rows, int32_t input_row, int32_t output_row,
                           const uint8_t *input, uint8_t *output)
{
    for (int32_t row = 0; row < rows; row++) {
        for (int32_t i = 0; i < input_row; i++) {
            output[i] = table[input[i]];
        }
        input += input_row;
        output += output_row;
    }
}
