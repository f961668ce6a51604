/* How much of the stack was ever used, from the paint that mcuq_reset left. */
#include "cortexm.h"
#include "platform.h"

extern const uint32_t __mcuq_stack_bottom[], __mcuq_stack_top[];

uint32_t mcuq_stack_size(void)
{
    return (uint32_t)(__mcuq_stack_top - __mcuq_stack_bottom) * (uint32_t)sizeof(uint32_t);
}

uint32_t mcuq_stack_used(void)
{
    const uint32_t *untouched = __mcuq_stack_bottom;
    while (untouched < __mcuq_stack_top && *untouched == (uint32_t)MCUQ_STACK_PAINT) {
        untouched++;
    }
    return (uint32_t)(__mcuq_stack_top - untouched) * (uint32_t)sizeof(uint32_t);
}
