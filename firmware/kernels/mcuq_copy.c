#include "mcuq_copy.h"

#include <stddef.h>
#include <string.h>

/* All runs of the innermost loop, in units of one type. */
#define DEFINE_COPY_RUNS(name, unit)                                                                                   \
    static void name(const mcuq_copy_params *p, const uint8_t *input, uint8_t *output)                                 \
    {                                                                                                                  \
        const int32_t run = p->run;                                                                                    \
        const int32_t input_step = p->input_step;                                                                      \
        const int32_t output_step = p->output_step;                                                                    \
        for (int32_t i = p->count; i > 0; i--) {                                                                       \
            const unit *from = (const unit *)(const void *)input;                                                      \
            unit *to = (unit *)(void *)output;                                                                         \
            *to = *from;                                                                                               \
            for (int32_t j = 1; j < run; j++) {                                                                        \
                to[j] = from[j];                                                                                       \
            }                                                                                                          \
            input += input_step;                                                                                       \
            output += output_step;                                                                                     \
        }                                                                                                              \
    }

DEFINE_COPY_RUNS(copy_bytes, uint8_t)
DEFINE_COPY_RUNS(copy_halfwords, uint16_t)
DEFINE_COPY_RUNS(copy_words, uint32_t)

static void copy_blocks(const mcuq_copy_params *p, const uint8_t *input, uint8_t *output)
{
    for (int32_t i = p->count; i > 0; i--) {
        (void)memcpy(output, input, (size_t)p->run);
        input += p->input_step;
        output += p->output_step;
    }
}

void mcuq_copy(const mcuq_copy_params *params, const int32_t *loops, const void *input, void *output)
{
    const uint8_t *from = input;
    uint8_t *to = output;
    int32_t left[MCUQ_COPY_LOOPS];
    for (int32_t i = 0; i < params->depth; i++) {
        left[i] = loops[3 * i];
    }
    for (;;) {
        switch (params->width) {
        case 1:
            copy_bytes(params, from, to);
            break;
        case 2:
            copy_halfwords(params, from, to);
            break;
        case 4:
            copy_words(params, from, to);
            break;
        default:
            copy_blocks(params, from, to);
            break;
        }
        /* The innermost loop that has rounds left goes on; those within it begin again. */
        int32_t loop = params->depth - 1;
        while ((loop >= 0) && (left[loop] == 1)) {
            left[loop] = loops[3 * loop];
            loop--;
        }
        if (loop < 0) {
            return;
        }
        left[loop]--;
        from += loops[3 * loop + 1];
        to += loops[3 * loop + 2];
    }
}
