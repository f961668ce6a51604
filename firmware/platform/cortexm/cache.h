/* The level 1 caches of a Cortex-M7. */
#ifndef MCUQ_CACHE_H
#define MCUQ_CACHE_H

/* Invalidates and enables the instruction and the data cache. To be called once, before anything is written that a
 * bus master other than the core reads (there is none here). */
void mcuq_cache_enable(void);

#endif
