#include "mcuq_copy.h"

#include <stddef.h>
#include <string.h>

/* All runs of the innermost loop, in units of one type; single units four at a time. */
#define DEFINE_COPY_RUNS(name, unit)                                                                                   \
    static inline void name##_one(const uint8_t *input, uint8_t *output)                                               \
    {                                                                                                                  \
        *(unit *)(void *)output = *(const unit *)(const void *)input;                                                  \
    }                                                                                                                  \
    static void name(const mcuq_copy_params *p, const uint8_t *input, uint8_t *output)                                 \
    {                                                                                                                  \
        const int32_t run = p->run;                                                                                    \
        const int32_t in = p->input_step;                                                                              \
        const int32_t out = p->output_step;                                                                            \
        int32_t left = p->count;                                                                                       \
        for (; (run == 1) && (left >= 4); left -= 4) {                                                                 \
            name##_one(input, output);                                                                                 \
            name##_one(&input[in], &output[out]);                                                                      \
            name##_one(&input[2 * in], &output[2 * out]);                                                              \
            name##_one(&input[3 * in], &output[3 * out]);                                                              \
            input += 4 * in;                                                                                           \
            output += 4 * out;                                                                                         \
        }                                                                                                              \
        for (; left > 0; left--) {                                                                                     \
            for (int32_t i = 0; i < run; i++) {                                                                        \
                name##_one(&input[i * (int32_t)sizeof(unit)], &output[i * (int32_t)sizeof(unit)]);                     \
            }                                                                                                          \
            input += in;                                                                                               \
            output += out;                                                                                             \
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
