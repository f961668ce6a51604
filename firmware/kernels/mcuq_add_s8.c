#include "mcuq_add_s8.h"

typedef int8_t add_element;
#define LEFT_SHIFT 20

#include "mcuq_add_loops.h"

void mcuq_add_s8(const mcuq_add_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    add_or_sub(params, 1, input1, input2, output);
}

void mcuq_sub_s8(const mcuq_add_s8_params *params, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    add_or_sub(params, -1, input1, input2, output);
}
