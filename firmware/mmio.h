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

/* Registers of 8 and 16 bits, on chips that mind the width of an access. */
static inline uint8_t mmio_read8(uint32_t address)
{
    return *(volatile uint8_t *)(uintptr_t)address;
}

static inline void mmio_write8(uint32_t address, uint32_t value)
{
    *(volatile uint8_t *)(uintptr_t)address = (uint8_t)value;
}

static inline uint16_t mmio_read16(uint32_t address)
{
    return *(volatile uint16_t *)(uintptr_t)address;
}

static inline void mmio_write16(uint32_t address, uint32_t value)
{
    *(volatile uint16_t *)(uintptr_t)address = (uint16_t)value;
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

static inline bool mmio_wait8(uint32_t address, uint32_t mask, uint32_t value, uint32_t tries)
{
    for (uint32_t i = 0U; i < tries; i++) {
        if ((mmio_read8(address) & mask) == value) {
            return true;
        }
    }
    return false;
}

static inline bool mmio_wait16(uint32_t address, uint32_t mask, uint32_t value, uint32_t tries)
{
    for (uint32_t i = 0U; i < tries; i++) {
        if ((mmio_read16(address) & mask) == value) {
            return true;
        }
    }
    return false;
}

#endif
