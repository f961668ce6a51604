#include "mcuq_fully_connected_binary.h"

#include "mcuq_count_bits.h"
#include "mcuq_requantize.h"

/* Lists the inputs that are above the zero point; returns how many. */
static int32_t list_inputs(const int8_t *input, int32_t depth, int32_t zero_point, uint16_t *list)
{
    int32_t n = 0;
    for (int32_t i = 0; i < depth; i++) { /* n <= i */
        list[n] = (uint16_t)i;
        n += (int32_t)input[i] - zero_point;
    }
    return n;
}

static int8_t output_of(const mcuq_fully_connected_binary_params *p, const int32_t *constants, int32_t count,
                        int32_t set)
{
    int32_t value;
    if (p->line) {
        value = mcuq_count_line(constants, count, set);
    } else {
        const int32_t acc = constants[0] + (constants[1] * set) + (constants[2] * count);
        value = p->output_offset + mcuq_requantize_single(acc, constants[3], constants[4]);
    }
    return (int8_t)mcuq_clamp(value, p->activation_min, p->activation_max);
}

void mcuq_fully_connected_binary(const mcuq_fully_connected_binary_params *params, const int8_t *input,
                                 const uint32_t *bits, const int32_t *outputs, uint16_t *scratch, int8_t *output)
{
    const mcuq_fully_connected_binary_params *const p = params;
    for (int32_t n = 0; n < p->batches; n++) {
        const int32_t set = list_inputs(&input[n * p->depth], p->depth, p->zero_point, scratch);
        const int32_t length = mcuq_fill_block(scratch, set, p->depth);
        const uint32_t *group = bits;
        for (int32_t first = 0; first < p->outputs; first += MCUQ_BIT_LANES) {
            uint16_t counts[MCUQ_BIT_LANES];
            mcuq_count_bits(group, scratch, length, set, counts);
            for (int32_t i = 0; (i < MCUQ_BIT_LANES) && ((first + i) < p->outputs); i++) {
                output[first + i] = output_of(p, &outputs[(first + i) * MCUQ_BIT_CONSTANTS], counts[i], set);
            }
            group = &group[p->depth + 1];
        }
        output = &output[p->outputs];
    }
}
