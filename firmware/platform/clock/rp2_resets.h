/* RP2040 and RP2350 hold each block in reset until it is let go (datasheets, chapter Resets). */
#ifndef MCUQ_RP2_RESETS_H
#define MCUQ_RP2_RESETS_H

#include "board.h"
#include "mmio.h"
#include MCUQ_CHIP_HEADER

#define RP2_RESETS_RESET (RP2_RESETS + 0x0U)
#define RP2_RESETS_DONE (RP2_RESETS + 0x8U)
#define RP2_READY_TRIES 100000U

static inline bool rp2_let_go(uint32_t blocks)
{
    mmio_clear(RP2_RESETS_RESET, blocks);
    return mmio_wait(RP2_RESETS_DONE, blocks, blocks, RP2_READY_TRIES);
}

#endif
