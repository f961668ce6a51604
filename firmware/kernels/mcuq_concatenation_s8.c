#include "mcuq_concatenation_s8.h"

#include <stddef.h>
#include <string.h>

void mcuq_concatenation_s8(int32_t rows, int32_t input_row, int32_t output_row, int32_t distance, const int8_t *input,
                           int8_t *output)
{
    output += distance;
    for (int32_t row = 0; row < rows; row++) {
        (void)memcpy(output, input, (size_t)input_row);
        input += input_row;
        output += output_row;
    }
}
