#include "mcuq_select.h"

static inline int32_t condition_offset(const mcuq_select_params *p, const mcuq_broadcast_row *row)
{
    return (row->index_0 * p->condition_step_0) + (row->index_1 * p->condition_step_1) +
           (row->index_2 * p->condition_step_2);
}

void mcuq_select_8(const mcuq_select_params *params, const void *condition, const void *yes, const void *no,
                   void *output)
{
    const mcuq_select_params p = *params;
    uint8_t *out = output;
    mcuq_broadcast_row row = {0};
    do {
        const uint8_t *which = &((const uint8_t *)condition)[condition_offset(&p, &row)];
        const uint8_t *in1 = &((const uint8_t *)yes)[row.offset1];
        const uint8_t *in2 = &((const uint8_t *)no)[row.offset2];
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const uint8_t a = in1[i * p.loops.step1_3];
            const uint8_t b = in2[i * p.loops.step2_3];
            *out = (which[i * p.condition_step_3] != 0U) ? a : b;
            out++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}

void mcuq_select_32(const mcuq_select_params *params, const void *condition, const void *yes, const void *no,
                    void *output)
{
    const mcuq_select_params p = *params;
    uint32_t *out = output;
    mcuq_broadcast_row row = {0};
    do {
        const uint8_t *which = &((const uint8_t *)condition)[condition_offset(&p, &row)];
        const uint32_t *in1 = &((const uint32_t *)yes)[row.offset1];
        const uint32_t *in2 = &((const uint32_t *)no)[row.offset2];
        for (int32_t i = 0; i < p.loops.size_3; i++) {
            const uint32_t a = in1[i * p.loops.step1_3];
            const uint32_t b = in2[i * p.loops.step2_3];
            *out = (which[i * p.condition_step_3] != 0U) ? a : b;
            out++;
        }
    } while (mcuq_broadcast_next(&p.loops, &row));
}
