/* Hardware registers by address. MISRA C:2012 rule 11.4 (integer to pointer) is deviated from here and nowhere else:
 * a register is its address. */
#ifndef MCUQ_MMIO_H
#define MCUQ_MMIO_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t mmio_read(uint32_t address)
{
    return *(volatile uint32_t *)(uintptr_t)address;
}

static inline void mmio_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)address = value;
}

static inline void mmio_set(uint32_t address, uint32_t bits)
{
    mmio_write(address, mmio_read(address) | bits);
}

static inline void mmio_clear(uint32_t address, uint32_t bits)
{
    mmio_write(address, mmio_read(address) & ~bits);
}

/* Waits, at most `tries` readings, until the bits under `mask` read `value`. */
static inline bool mmio_wait(uint32_t address, uint32_t mask, uint32_t value, uint32_t tries)
{
    for (uint32_t i = 0U; i < tries; i++) {
        if ((mmio_read(address) & mask) == value) {
            return true;
        }
    }
    return false;
}

#endif
