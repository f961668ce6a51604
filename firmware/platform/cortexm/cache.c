/* The level 1 caches of Cortex-M7, M55 and M85, whose registers are the same.
 *
 * Sources: Armv7-M ARM (DDI0403) B3.2 (register addresses), B2.2 (maintenance by set and way); Cortex-M7 TRM 4.2; Armv8-M
 * ARM (DDI0553), registers CCR, CCSIDR, CSSELR, ICIALLU, DCISW. */
#include "cache.h"

#include "mmio.h"

#define CCR 0xE000ED14U
#define CCR_IC (1U << 17)
#define CCR_DC (1U << 16)
#define CCSIDR 0xE000ED80U
#define CSSELR 0xE000ED84U
#define ICIALLU 0xE000EF50U
#define DCISW 0xE000EF60U

static void barrier(void)
{
    __asm__ volatile("dsb\n isb" ::: "memory");
}

static void invalidate_data_cache(void)
{
    mmio_write(CSSELR, 0U); /* level 1, data */
    barrier();
    const uint32_t ccsidr = mmio_read(CCSIDR);
    const uint32_t last_set = (ccsidr >> 13) & 0x7FFFU;
    const uint32_t last_way = (ccsidr >> 3) & 0x3FFU;
    const uint32_t set_shift = (ccsidr & 7U) + 4U; /* log2 of the line's bytes */
    const uint32_t way_shift = last_way == 0U ? 0U : (uint32_t)__builtin_clz(last_way);
    for (uint32_t set = 0U; set <= last_set; set++) {
        for (uint32_t way = 0U; way <= last_way; way++) {
            mmio_write(DCISW, (way << way_shift) | (set << set_shift));
        }
    }
}

void mcuq_cache_enable(void)
{
    barrier();
    mmio_write(ICIALLU, 0U);
    barrier();
    mmio_set(CCR, CCR_IC);
    barrier();
    invalidate_data_cache();
    barrier();
    mmio_set(CCR, CCR_DC);
    barrier();
}
