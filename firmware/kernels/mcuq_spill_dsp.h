/* Values that assembly keeps out of the core registers while all of them are busy: in registers of the FPU where there
 * is one (VMOV, 1 cycle), else on the stack (LDR, 2 cycles). For inline assembly: operands have the constraint
 * MCUQ_SPILL, those that the assembly changes MCUQ_SPILL_CHANGED, and are addressed by their names, core registers by
 * what the assembler calls them.
 */
#ifndef MCUQ_SPILL_DSP_H
#define MCUQ_SPILL_DSP_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FP)
#define MCUQ_SPILL "t"
#define MCUQ_SPILL_CHANGED "+&t" /* not shared with an input of the same value */
#define MCUQ_GET(into, name) "vmov " #into ", %[" #name "]\n\t"
#define MCUQ_PUT(name, from) "vmov %[" #name "], " #from "\n\t"
typedef float mcuq_spilled;
#else
#define MCUQ_SPILL "m"
#define MCUQ_SPILL_CHANGED "+m"
#define MCUQ_GET(into, name) "ldr.w " #into ", %[" #name "]\n\t"
#define MCUQ_PUT(name, from) "str.w " #from ", %[" #name "]\n\t"
typedef uint32_t mcuq_spilled;
#endif

static inline mcuq_spilled mcuq_spill(uint32_t word)
{
    mcuq_spilled kept;
    (void)memcpy(&kept, &word, sizeof kept);
    return kept;
}

#endif
