/* int8 activations into int16, in the orders that the packed weights of mcuq_gemm_dsp.h can have (DSP extension).
 *
 * In order: element k at k. Shuffled: of each four elements 0, 2, 1, 3, which SXTB16 makes of a word in one
 * instruction; for counts that are multiples of 4. Zero points stay in: they are in the bias.
 * Cost on a Cortex-M4: about 1.6 cycles an element shuffled, 2.5 in order.
 */
#ifndef MCUQ_WIDEN_DSP_H
#define MCUQ_WIDEN_DSP_H

#include <stdint.h>

#include "mcuq_dsp.h"

static inline void mcuq_widen_four(const int8_t *source, int16_t *target)
{
    const uint32_t word = mcuq_load_word(source);
    mcuq_store_word(target, mcuq_sxtb16(word));
    mcuq_store_word(&target[2], mcuq_sxtb16_odd(word));
}

static inline void mcuq_widen_sixteen(const int8_t *source, int16_t *target)
{
    const uint32_t word0 = mcuq_load_word(source);
    const uint32_t word1 = mcuq_load_word(&source[4]);
    const uint32_t word2 = mcuq_load_word(&source[8]);
    const uint32_t word3 = mcuq_load_word(&source[12]);
    mcuq_store_word(target, mcuq_sxtb16(word0));
    mcuq_store_word(&target[2], mcuq_sxtb16_odd(word0));
    mcuq_store_word(&target[4], mcuq_sxtb16(word1));
    mcuq_store_word(&target[6], mcuq_sxtb16_odd(word1));
    mcuq_store_word(&target[8], mcuq_sxtb16(word2));
    mcuq_store_word(&target[10], mcuq_sxtb16_odd(word2));
    mcuq_store_word(&target[12], mcuq_sxtb16(word3));
    mcuq_store_word(&target[14], mcuq_sxtb16_odd(word3));
}

static inline void mcuq_widen_shuffled(const int8_t *source, int16_t *target, int32_t count)
{
    int32_t i = 0;
    for (; i < (count - 15); i += 16) {
        mcuq_widen_sixteen(&source[i], &target[i]);
    }
    for (; i < count; i += 4) {
        mcuq_widen_four(&source[i], &target[i]);
    }
}

static inline void mcuq_widen_in_order(const int8_t *source, int16_t *target, int32_t count)
{
    int32_t i = 0;
    for (; i < (count - 3); i += 4) {
        const uint32_t word = mcuq_load_word(&source[i]);
        const uint32_t even = mcuq_sxtb16(word);
        const uint32_t odd = mcuq_sxtb16_odd(word);
        mcuq_store_word(&target[i], mcuq_pack_bottoms(even, odd));
        mcuq_store_word(&target[i + 2], mcuq_pack_tops(even, odd));
    }
    for (; i < count; i++) {
        target[i] = source[i];
    }
}

/* count elements, up to 15 more, to lower addresses: the ranges may overlap. */
static inline void mcuq_copy_down(const int16_t *source, int16_t *target, int32_t count)
{
    const int16_t *from = source;
    int16_t *to = target;
    for (int32_t left = count; left > 0; left -= 16) {
        const uint32_t word0 = mcuq_load_word(from);
        const uint32_t word1 = mcuq_load_word(&from[2]);
        const uint32_t word2 = mcuq_load_word(&from[4]);
        const uint32_t word3 = mcuq_load_word(&from[6]);
        const uint32_t word4 = mcuq_load_word(&from[8]);
        const uint32_t word5 = mcuq_load_word(&from[10]);
        const uint32_t word6 = mcuq_load_word(&from[12]);
        const uint32_t word7 = mcuq_load_word(&from[14]);
        mcuq_store_word(to, word0);
        mcuq_store_word(&to[2], word1);
        mcuq_store_word(&to[4], word2);
        mcuq_store_word(&to[6], word3);
        mcuq_store_word(&to[8], word4);
        mcuq_store_word(&to[10], word5);
        mcuq_store_word(&to[12], word6);
        mcuq_store_word(&to[14], word7);
        from += 16;
        to += 16;
    }
}

#endif
