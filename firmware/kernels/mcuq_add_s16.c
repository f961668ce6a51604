#include "mcuq_add_s16.h"

typedef int16_t add_element;
#define LEFT_SHIFT 15

#include "mcuq_add_loops.h"

void mcuq_add_s16(const mcuq_add_s8_params *params, const int16_t *input1, const int16_t *input2, int16_t *output)
{
    add_or_sub(params, 1, input1, input2, output);
}

void mcuq_sub_s16(const mcuq_add_s8_params *params, const int16_t *input1, const int16_t *input2, int16_t *output)
{
    add_or_sub(params, -1, input1, input2, output);
}
