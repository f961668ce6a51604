#include "mcuq_decode.h"

#include "mcuq_dsp.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOT_INLINE static __attribute__((noinline)) /* shared, or a loop that needs the registers */
#define LONGEST 15U
#define QUICK_BITS 8U

typedef struct {
    const uint8_t *coded;
    uint32_t bytes;
} source;

/* Byte number index, 0 behind the end. */
ALWAYS_INLINE uint32_t at(source from, uint32_t index)
{
    return (index < from.bytes) ? from.coded[index] : 0U;
}

ALWAYS_INLINE uint32_t two_at(source from, uint32_t index)
{
    return (at(from, index) << 8) | at(from, index + 1U);
}

/* At least 16 bits in the buffer; bits of bytes behind the end are 0. */
ALWAYS_INLINE void fill(mcuq_decoder *decoder, source from)
{
    if (decoder->held < 16U) {
        const uint32_t next = decoder->next;
        if ((next + 1U) < from.bytes) {
            const uint32_t two = ((uint32_t)from.coded[next] << 8) | from.coded[next + 1U];
            decoder->buffer |= two << (16U - decoder->held);
        }
        decoder->held += 16U;
        decoder->next = next + 2U;
    }
}

/* bits, 0 to 16, from the buffer. */
ALWAYS_INLINE uint32_t take(mcuq_decoder *decoder, uint32_t bits)
{
    const uint32_t taken = (decoder->buffer >> 1) >> (31U - bits);
    decoder->buffer <<= bits;
    decoder->held -= bits;
    return taken;
}

NOT_INLINE void read_palette(source from, uint32_t count, uint32_t *table)
{
    int8_t *const palette = (int8_t *)table;
    for (uint32_t i = 0U; i < count; i++) {
        palette[i] = (int8_t)(uint8_t)at(from, i);
    }
}


static void begin_bits(mcuq_decoder *decoder, source from, uint32_t bits, uint32_t *table)
{
    read_palette(from, 1U << bits, table);
    decoder->next = 1U << bits;
}

NOT_INLINE void next_bits(mcuq_decoder *decoder, source from, uint32_t bits, const uint32_t *table, int8_t *to,
                          int32_t count)
{
    const int8_t *const palette = (const int8_t *)table;
    mcuq_decoder here = *decoder; /* in registers */
    const uint32_t others = 32U - bits; /* bits are 1 to 4 */
    for (int32_t i = 0; i < count; i += 4) {
        fill(&here, from);
#pragma GCC unroll 4
        for (int32_t k = 0; k < 4; k++) {
            to[i + k] = palette[here.buffer >> others];
            here.buffer <<= bits;
        }
        here.held -= 4U * bits;
    }
    *decoder = here;
}

static void begin_trits(mcuq_decoder *decoder, source from, uint32_t *table)
{
    read_palette(from, 3U, table);
    decoder->next = 3U;
}

NOT_INLINE void next_trits(mcuq_decoder *decoder, source from, const uint32_t *table, int8_t *to, int32_t count)
{
    const int8_t *const palette = (const int8_t *)table;
    mcuq_decoder here = *decoder;
    for (int32_t i = 0; i < count; i++) {
        if (here.held == 0U) {
            here.buffer = at(from, here.next);
            here.held = 5U;
            here.next++;
        }
        const uint32_t product = 3U * here.buffer;
        to[i] = palette[product >> 8];
        here.buffer = product & 0xffU;
        here.held--;
    }
    *decoder = here;
}

/* limit, place: of each length, the first code that is too large for it, as 16 bits; where its first weight stands, less its
 * code. quick: of the next 8 bits, the length of the code that they begin with and its weight; 0 for longer codes. */
typedef struct {
    uint32_t limit[LONGEST + 1U];
    uint32_t place[LONGEST + 1U];
    uint16_t quick[1U << QUICK_BITS];
} huffman_table;

/* The codes that so many bits begin with, from first on, all of one length. */
static uint32_t fill_quick(huffman_table *lengths, source from, uint32_t length, uint32_t first, uint32_t codes)
{
    uint32_t next = first;
    for (uint32_t code = 0U; code < codes; code++) {
        const uint32_t weight = at(from, lengths->place[length] + ((first >> (QUICK_BITS - length)) + code));
        for (uint32_t i = 1U << (QUICK_BITS - length); (i > 0U) && (next < (1U << QUICK_BITS)); i--) {
            lengths->quick[next] = (uint16_t)((length << 8) | weight);
            next++;
        }
    }
    return next;
}

static void begin_huffman(mcuq_decoder *decoder, source from, uint32_t shortest, uint32_t *table)
{
    huffman_table *const lengths = (huffman_table *)(void *)table;
    uint32_t place = 2U * ((LONGEST + 1U) - shortest);
    uint32_t code = 0U;
    uint32_t quick = 0U;
    for (uint32_t length = shortest; length <= LONGEST; length++) {
        const uint32_t codes = two_at(from, 2U * (length - shortest));
        code <<= 1;
        lengths->place[length] = place - code;
        place += codes;
        code += codes;
        lengths->limit[length] = (length == LONGEST) ? 0xffffffffU : (code << (16U - length));
        if (length <= QUICK_BITS) {
            quick = fill_quick(lengths, from, length, quick, codes);
        }
    }
    for (; quick < (1U << QUICK_BITS); quick++) {
        lengths->quick[quick] = 0U;
    }
    decoder->next = place;
}

NOT_INLINE void next_huffman(mcuq_decoder *decoder, source from, uint32_t shortest, const uint32_t *table, int8_t *to,
                             int32_t count)
{
    const huffman_table *const lengths = (const huffman_table *)(const void *)table;
    const uint32_t longer = (shortest > QUICK_BITS) ? shortest : (QUICK_BITS + 1U);
    mcuq_decoder here = *decoder;
    for (int32_t i = 0; i < count; i++) {
        fill(&here, from);
        uint32_t weight = lengths->quick[here.buffer >> (32U - QUICK_BITS)];
        uint32_t length = weight >> 8;
        if (length == 0U) {
            length = longer;
            while ((here.buffer >> 16) >= lengths->limit[length]) { /* ends at LONGEST */
                length++;
            }
            weight = at(from, lengths->place[length] + (here.buffer >> (32U - length)));
        }
        to[i] = (int8_t)(uint8_t)weight;
        here.buffer <<= length;
        here.held -= length;
    }
    *decoder = here;
}

static uint32_t read_share(source from, uint32_t *read)
{
    uint32_t share = at(from, *read);
    *read += 1U;
    if (share == 255U) {
        share = two_at(from, *read);
        *read += 2U;
    }
    return share;
}

static uint32_t log2_of(uint32_t value)
{
    return 31U - (uint32_t)__builtin_clz(value | 1U);
}

/* Shares of damaged bytes may be too many or too few: each is at most all states, and no state is left without weight. */
static void begin_tans(mcuq_decoder *decoder, source from, uint32_t states_log2, uint32_t table_words, uint32_t *table)
{
    const uint32_t states = 1U << states_log2;
    const uint32_t step = (states >> 1) + (states >> 3) + 3U;
    const uint32_t room = 2U * (table_words - states);
    const uint32_t weights = (at(from, 3U) < room) ? (at(from, 3U) + 1U) : room;
    uint16_t *const numbers = (uint16_t *)(void *)&table[states];
    uint32_t read = 4U;
    uint32_t state = 0U;
    uint32_t filled = 0U;
    uint32_t zeros = 0U;
    for (uint32_t i = 0U; i < weights; i++) {
        uint32_t share = 0U;
        if (zeros > 0U) {
            zeros--;
        } else {
            share = read_share(from, &read);
            share = (share < states) ? share : states;
            zeros = (share == 0U) ? at(from, read) : 0U;
            read += (share == 0U) ? 1U : 0U;
        }
        numbers[i] = (uint16_t)share;
        for (; (share > 0U) && (filled < states); share--) {
            table[state] = i;
            state = (state + step) & (states - 1U);
            filled++;
        }
    }
    for (; filled < states; filled++) {
        table[state] = 0U;
        state = (state + step) & (states - 1U);
    }
    for (uint32_t i = 0U; i < states; i++) {
        const uint32_t weight = table[i];
        const uint32_t number = numbers[weight];
        const uint32_t bits = states_log2 - log2_of(number);
        numbers[weight] = (uint16_t)(number + 1U);
        /* The weight; above it, how many bits the next state takes (4 bits) and what is added to them. */
        table[i] = ((at(from, 2U) + weight) & 0xffU) | (bits << 8) | (((number << bits) & (states - 1U)) << 12);
    }
    decoder->state = two_at(from, 0U) & (states - 1U);
    decoder->next = read;
}

NOT_INLINE void next_tans(mcuq_decoder *decoder, source from, const uint32_t *table, int8_t *to, int32_t count)
{
    mcuq_decoder here = *decoder;
    for (int32_t i = 0; i < count; i++) {
        const uint32_t entry = table[here.state];
        fill(&here, from);
        to[i] = (int8_t)(uint8_t)entry;
        here.state = (entry >> 12) + take(&here, (entry >> 8) & 15U);
    }
    *decoder = here;
}

NOT_INLINE int32_t *copy_words(const int32_t *from, int32_t *to, int32_t words)
{
    for (int32_t i = 0; i < words; i++) {
        to[i] = from[i];
    }
    return &to[words];
}

/* In 256 * second + first, what the first borrows is taken from the second. */
NOT_INLINE void to_form(int32_t *words, int32_t count, mcuq_form form)
{
    for (int32_t i = 0; i < count; i++) {
        const uint32_t weights = (uint32_t)words[i];
        words[i] = (int32_t)((form == mcuq_form_halves) ? mcuq_ssub16(weights, (weights & 0x00800080U) << 1)
                                                        : (weights ^ 0x80808080U));
    }
}

typedef enum { encoding_bits, encoding_trits, encoding_huffman, encoding_tans } encoding_name;

/* name is a literal. */
ALWAYS_INLINE void decode(const mcuq_decode_params *p, const uint8_t *coded, const int32_t *plain, uint32_t *scratch,
                          int32_t *stream, const encoding_name name)
{
    const source from = {coded, p->bytes};
    uint32_t *const table = &scratch[MCUQ_DECODER_WORDS];
    mcuq_decoder decoder = {0U, 0U, 0U, 0U, 0U};
    if (!p->first) {
        (void)memcpy(&decoder, scratch, sizeof decoder);
    } else if (name == encoding_bits) {
        begin_bits(&decoder, from, p->option, table);
    } else if (name == encoding_trits) {
        begin_trits(&decoder, from, table);
    } else if (name == encoding_huffman) {
        begin_huffman(&decoder, from, p->option, table);
    } else {
        begin_tans(&decoder, from, p->option, p->table_words, table);
    }
    int32_t *to = stream;
    for (int32_t group = p->groups; group > 0; group--) {
        to = copy_words(&plain[decoder.taken], to, p->seeds);
        int8_t *const weights = (int8_t *)to;
        const int32_t count = 4 * p->words;
        if (name == encoding_bits) {
            next_bits(&decoder, from, p->option, table, weights, count);
        } else if (name == encoding_trits) {
            next_trits(&decoder, from, table, weights, count);
        } else if (name == encoding_huffman) {
            next_huffman(&decoder, from, p->option, table, weights, count);
        } else {
            next_tans(&decoder, from, table, weights, count);
        }
        if (p->form != mcuq_form_bytes) {
            to_form(to, p->words, p->form);
        }
        to = copy_words(&plain[decoder.taken + (uint32_t)p->seeds], &to[p->words], p->constants);
        decoder.taken += (uint32_t)(p->seeds + p->constants);
    }
    (void)memcpy(scratch, &decoder, sizeof decoder);
}

void mcuq_decode_bits(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                      void *stream)
{
    decode(params, coded, plain, decoder, stream, encoding_bits);
}

void mcuq_decode_trits(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                       void *stream)
{
    decode(params, coded, plain, decoder, stream, encoding_trits);
}

void mcuq_decode_huffman(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                         void *stream)
{
    decode(params, coded, plain, decoder, stream, encoding_huffman);
}

void mcuq_decode_tans(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                      void *stream)
{
    decode(params, coded, plain, decoder, stream, encoding_tans);
}

bool mcuq_is_whole(const uint8_t *coded, uint32_t bytes, uint32_t crc)
{
    uint32_t found = 0xffffffffU;
    for (uint32_t i = 0U; i < bytes; i++) {
        found ^= coded[i];
        for (int32_t bit = 0; bit < 8; bit++) {
            found = (found >> 1) ^ ((0U - (found & 1U)) & 0xedb88320U);
        }
    }
    return ~found == crc;
}
