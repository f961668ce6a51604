/* Decodes streams that it reads from standard input, in memory of exactly the size that was planned, and writes them out.
 * A case: encoding, option, table words, form, groups, groups of the first part, seeds, words, constants, coded bytes (ten
 * uint32), the coded bytes, the words that stand as they are. */
#include "mcuq_decode.h"

#include <stdio.h>
#include <stdlib.h>

static void decode(uint32_t encoding, const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain,
                   void *decoder, void *stream)
{
    switch (encoding) {
    case 0U:
        mcuq_decode_bits(params, coded, plain, decoder, stream);
        break;
    case 1U:
        mcuq_decode_huffman(params, coded, plain, decoder, stream);
        break;
    case 2U:
        mcuq_decode_tans(params, coded, plain, decoder, stream);
        break;
    default:
        mcuq_decode_trits(params, coded, plain, decoder, stream);
        break;
    }
}

static void *read_words(size_t count, size_t size)
{
    void *const words = malloc((count * size) + 1U); /* one byte more: none is still an object */
    if (words == NULL || fread(words, size, count, stdin) != count) {
        exit(1);
    }
    return words;
}

int main(void)
{
    uint32_t head[10];
    while (fread(head, sizeof head, 1U, stdin) == 1U) {
        mcuq_decode_params params = {.bytes = head[9], .option = head[1], .table_words = head[2], .first = true,
                                     .form = (mcuq_form)head[3], .seeds = (int32_t)head[6], .words = (int32_t)head[7],
                                     .constants = (int32_t)head[8]};
        const uint32_t group_words = head[6] + head[7] + head[8];
        uint8_t *const given = read_words(head[9], 1U);
        int32_t *const plain = read_words((size_t)head[4] * (head[6] + head[8]), 4U);
        uint8_t *const coded = malloc(head[9]); /* exactly so many: a sanitizer sees one byte more */
        uint32_t *const decoder = malloc(4U * (MCUQ_DECODER_WORDS + head[2]));
        int32_t *const stream = malloc(4U * head[4] * group_words);
        if ((coded == NULL && head[9] > 0U) || decoder == NULL || stream == NULL) {
            return 1;
        }
        for (uint32_t i = 0U; i < head[9]; i++) {
            coded[i] = given[i];
        }
        params.groups = (int32_t)head[5];
        decode(head[0], &params, coded, plain, decoder, stream);
        params.first = false;
        params.groups = (int32_t)(head[4] - head[5]);
        decode(head[0], &params, coded, plain, decoder, &stream[head[5] * group_words]);
        if (fwrite(stream, 4U, head[4] * group_words, stdout) != head[4] * group_words) {
            return 1;
        }
        free(given);
        free(plain);
        free(coded);
        free(decoder);
        free(stream);
    }
    return 0;
}
