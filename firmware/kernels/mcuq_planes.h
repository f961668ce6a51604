/* Planes: each channel of an int8 tensor as padded lines of int16, for depthwise kernels. No kernel by itself.
 *
 * An element x is kept as 256 * x: its byte is the high byte of a halfword whose low byte is 0, so that loading needs
 * no arithmetic but masks, two channels and several pixels at a time; accumulators come multiplied by 256. Elements of
 * padding are the zero point. Lines run along the longer axis of the output, which may be the height: steps are all in
 * the parameters. A band is as many lines as `band_lines` output lines need; the lines that two bands share are kept
 * from one to the next, so each input element is read once. Little-endian only, as every Cortex-M that mcuq supports.
 */
#ifndef MCUQ_PLANES_H
#define MCUQ_PLANES_H

#include <stdbool.h>
#include <stdint.h>

#include "mcuq_dsp.h"

enum { MCUQ_PLANES_TOGETHER = 4 }; /* channels that are loaded at once, at most */

typedef struct {
    int32_t batches;
    int32_t channels;           /* of the input */
    int32_t channel_multiplier; /* output channels / input channels */
    int32_t input_batch;        /* elements between batches, lines, and neighbours in a line */
    int32_t input_line_step;
    int32_t input_step;
    int32_t input_lines;
    int32_t input_length; /* elements of a line that some window reaches */
    int32_t output_batch;
    int32_t output_line_step;
    int32_t output_step;
    int32_t output_lines;
    int32_t output_length;
    int32_t filter_lines;
    int32_t line_stride;
    int32_t line_padding; /* lines and elements of padding before the input */
    int32_t padding;
    int32_t pitch;       /* bytes between lines of a plane; a multiple of 4 */
    int32_t plane_bytes; /* bytes between two planes */
    int32_t band_lines;
    int32_t input_zero_point;
    int32_t rounding; /* see mcuq_prescaled_requantize.h */
    int32_t filter_length;
    int32_t packed_words; /* of an output channel in flash, see below */
    int32_t record_words; /* of the same unpacked */
} mcuq_planes_params;

/* How lines of four channels are loaded. The assembly reads it by its layout. */
typedef struct {
    int32_t fours; /* elements in fours, where words are aligned */
    uint32_t ones; /* bit 2: one before the fours, bit 1: two behind them, bit 0: one behind these */
    int32_t input_advance;
    int32_t plane_advance;
    int32_t plane_bytes;
    const int8_t *input;
    uint8_t *first; /* the first plane and the last */
    uint8_t *last;
    int32_t step;
    int32_t step3;
    uint32_t mask;
    int32_t lines;
} mcuq_planes_four;

/* Where a kernel that loads up to four channels at once is: the band that the planes hold. */
typedef struct {
    int32_t batch;
    int32_t channel;  /* the first of them */
    int32_t channels; /* how many; 0 before the first band */
    int32_t first;    /* output line */
    int32_t lines;
    mcuq_planes_four four; /* how the four were loaded; with no lines, they were not */
} mcuq_planes_band;

/* Fill lines of a plane with the zero point. */
void mcuq_plane_fill(uint32_t *plane, int32_t lines, int32_t pitch, int32_t zero_point);

/* Load the lines of one channel, of two neighbours or of four that output lines first .. first + lines - 1 need, into
 * one plane each. `input` is the first channel's first element. The planes hold the band before this one, or, at
 * first == 0, the zero point wherever they are not loaded.
 * Cost on a Cortex-M4: 1.8 cycles an element and 6 a line for each of four channels, 2.5 and 20 for two, 7 an element
 * for one. */
void mcuq_plane_load_band(const mcuq_planes_params *params, const int8_t *input, uint32_t *planes, int32_t channels,
                          int32_t first, int32_t lines);

/* Records in flash, of packed_words words: the window's weights as bytes, line after line, and their power of two as the
 * last byte of a word; then constants. Unpacked, of record_words words: for each line of the window the words (w0,w1),
 * (w1,w2) .. of neighbours, or (w0,0) where it has one element only, as int16 times 2 to that power; then the constants. */

/* A word of an unpacked record: w0 and w1 times 2^power. */
static inline int32_t mcuq_planes_pair(int32_t w0, int32_t w1, uint32_t power)
{
    return (int32_t)mcuq_pack_bottoms((uint32_t)w0 << power, (uint32_t)w1 << power);
}

/* Unpack the records of `count` output channels with windows of 3x3, from number `first` on.
 * Cost on a Cortex-M4: 55 cycles a channel. */
void mcuq_planes_unpack_3x3(const mcuq_planes_params *params, const int32_t *packed, int32_t first, int32_t count,
                            int32_t *records);

/* Load the next band of the next channels, as many at once as there are up to four; false when all is done. `planes` is
 * scratch for as many planes. Begin with a band of zeros. */
bool mcuq_planes_next(const mcuq_planes_params *params, const int8_t *input, uint32_t *planes, mcuq_planes_band *band);

#endif
