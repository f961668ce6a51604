/* Faults: what stopped the program is sent to the host, for as long as somebody asks.
 *
 * Sources: Armv7-M ARM (DDI0403) B1.5.6 (the stacked frame), B3.2.15 (CFSR). */
#include "cortexm.h"
#include "mmio.h"
#include "platform.h"
#include "protocol.h"

#include <stdint.h>

#define CFSR 0xE000ED28U

void mcuq_fault_stop(uint32_t pc, uint32_t lr, uint32_t exception);

/* Takes PC and LR from the frame that the processor stacked, when it lies inside the stack, then starts the stack anew:
 * a program that ran out of stack can still tell. Nothing returns from here. */
__attribute__((naked)) void mcuq_fault_entry(void)
{
    __asm__ volatile(
        "    .syntax unified\n"
        "    mov  r3, sp\n"
        "    ldr  r2, =__mcuq_stack_top\n"
        "    movs r0, #0\n"
        "    movs r1, #0\n"
        "    ldr  r4, =__mcuq_stack_bottom\n"
        "    cmp  r3, r4\n"
        "    blo  1f\n"
        "    mov  r4, r2\n"
        "    subs r4, r4, #32\n"
        "    cmp  r3, r4\n"
        "    bhi  1f\n"
        "    ldr  r0, [r3, #24]\n"
        "    ldr  r1, [r3, #20]\n"
        "1:  mov  sp, r2\n"
        "    mrs  r2, ipsr\n"
        "    bl   mcuq_fault_stop\n"
        "    .ltorg\n");
}

__attribute__((noreturn, used)) void mcuq_fault_stop(uint32_t pc, uint32_t lr, uint32_t exception)
{
#if __ARM_ARCH_PROFILE == 'M' && defined(__ARM_ARCH_6M__)
    const uint32_t cfsr = 0U; /* Armv6-M has no fault status register */
#else
    const uint32_t cfsr = mmio_read(CFSR);
#endif
    mcuq_protocol_report_fault(pc, lr, cfsr, exception);
    for (;;) {
        /* A host that connects or asks again later is told as well: every end of a frame brings the report. */
        if (mcuq_uart_read() == 0) {
            mcuq_protocol_report_fault(pc, lr, cfsr, exception);
        }
    }
}
