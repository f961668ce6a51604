/* Weights decoded from fewer bits than eight into the stream of a kernel, which then reads them from scratch memory.
 *
 * A stream is made of groups of output channels: seeds words as they are, words of weights (four weights each), constants
 * words as they are. The words as they are stand in flash without the weights, group after group; the weights of all groups
 * are one sequence of codes. A call decodes some groups; the next call, with the same decoder, those behind them.
 * mcuq_form_bytes leaves weights as they are, mcuq_form_offset adds 128 to each; with mcuq_form_halves each two become
 * 256 * second + first, as int16.
 *
 * Coded bytes begin with a table; codes follow, the most significant bit of a byte first.
 *   bits     [a palette of 2^bits weights]; codes of 1 to 4 bits, which are the option
 *   trits    [a palette of 3]; five weights a byte: byte b stands for the digits of b / 256 to the base 3
 *   huffman  [how many codes of each length, from the option on to 15 bits: 2 bytes each, the high one first]
 *            [the weights in the order of their codes]; canonical codes
 *   tans     [the first state: 2 bytes] [the least weight] [how many weights less 1] [of each, from the least on, its share of
 *            the states: a byte, from 255 on 255 and 2 bytes; behind a share of 0 a byte: how many more follow]; there are
 *            2^option states, 2^4 to 2^11 (asymmetric numeral systems: Duda, 2013; one weight after the other takes its share
 *            of the states, each states / 2 + states / 8 + 3 behind the last)
 *
 * Weights that are no stream are one group of words without seeds and constants; plain may be NULL then.
 *
 * Whatever the coded bytes are, nothing outside of them is read, and nothing outside of stream and decoder is written.
 * mcuq_is_whole says whether they are those that were made.
 *
 * Scratch: the stream and the decoder, MCUQ_DECODER_WORDS words and a table: for bits and trits of 4 words, for Huffman of
 * 160, for tans of one for each state and one for each two weights.
 * Cost on a Cortex-M4 for each weight: bits 10 cycles, trits 16, Huffman 23, tans 23; for tables of Huffman 3,500 cycles, for each
 * state of tans 25.
 */
#ifndef MCUQ_DECODE_H
#define MCUQ_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#define MCUQ_DECODER_WORDS 5

typedef struct {
    uint32_t next;   /* of the coded bytes */
    uint32_t buffer; /* codes that were read and not used, from the most significant bit on; the rest of a byte of trits */
    uint32_t held;   /* how many bits, or trits, these are */
    uint32_t state;  /* of tans */
    uint32_t taken;  /* words that stand as they are */
} mcuq_decoder;

_Static_assert(sizeof(mcuq_decoder) == MCUQ_DECODER_WORDS * 4U, "scratch memory is planned for it");

typedef enum { mcuq_form_bytes, mcuq_form_offset, mcuq_form_halves } mcuq_form;

typedef struct {
    uint32_t bytes;       /* that are coded */
    uint32_t option;      /* of the encoding */
    uint32_t table_words; /* behind the decoder */
    bool first;           /* does the call begin the layer? */
    mcuq_form form;
    int32_t groups;
    int32_t seeds;
    int32_t words;
    int32_t constants;
} mcuq_decode_params;

void mcuq_decode_bits(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                      void *stream);
void mcuq_decode_trits(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                       void *stream);
void mcuq_decode_huffman(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                         void *stream);
void mcuq_decode_tans(const mcuq_decode_params *params, const uint8_t *coded, const int32_t *plain, void *decoder,
                      void *stream);

/* Is crc the CRC-32 (zlib's) of the coded bytes? 33 cycles a byte. */
bool mcuq_is_whole(const uint8_t *coded, uint32_t bytes, uint32_t crc);

#endif
