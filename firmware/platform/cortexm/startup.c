/* Reset and the vector table, for every Cortex-M core.
 *
 * The linker script (templates/memory.ld.j2) provides the __mcuq_ symbols. Sources: Armv7-M ARM (DDI0403) B1.5 and B3.2,
 * Armv8-M ARM (DDI0553) B3 and D1.2. */
#include "board.h"
#include "cortexm.h"
#include "mmio.h"

#include <stdint.h>
#include <string.h>

#if MCUQ_HAS_CACHES
#include "cache.h"
#endif
#ifdef MCUQ_CHIP_HEADER
#include MCUQ_CHIP_HEADER
#endif

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)
/* What the unused stack is filled with, as cortexm/stack.c looks for it. */
#define STACK_PAINT STRING(MCUQ_STACK_PAINT)

#define CPACR "0xE000ED88"
#define CCR "0xE000ED14"

extern uint8_t __mcuq_data_load[], __mcuq_data_start[], __mcuq_data_end[], __mcuq_bss_start[], __mcuq_bss_end[];
extern uint8_t __mcuq_weights_load[], __mcuq_weights_start[], __mcuq_weights_end[];
extern uint8_t __mcuq_hot_load[], __mcuq_hot_start[], __mcuq_hot_end[];
extern uint8_t __mcuq_stack_top[];

#define VTOR 0xE000ED08U
#define NVIC_ICER 0xE000E180U
#if defined(__ARM_ARCH_6M__)
#define NVIC_WORDS 1U
#else
#define NVIC_WORDS 8U
#endif

typedef void (*vector)(void);
static const vector vectors[16];

int main(void);
void mcuq_reset(void);
void mcuq_start(void);

/* Written in assembly because nothing that C compiles to may run before the FPU is on: a prologue may push FP registers.
 * Also sets the stack pointer (a debugger that loads into RAM does not) and paints the stack before anything uses it. */
__attribute__((naked, noreturn)) void mcuq_reset(void)
{
    __asm__ volatile(
        "    .syntax unified\n"
        "    cpsid i\n"
#if __ARM_ARCH >= 8
        "    movs r1, #0\n" /* a boot ROM may have left a limit above our stack */
        "    msr  msplim, r1\n"
#endif
        "    ldr  r0, =__mcuq_stack_top\n"
        "    msr  msp, r0\n"
#if __ARM_ARCH >= 8
        "    ldr  r1, =__mcuq_stack_bottom\n" /* from here on, a push below the stack is a UsageFault */
        "    msr  msplim, r1\n"
#endif
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
        "    ldr  r1, =" CPACR "\n" /* CP10 and CP11: full access */
        "    ldr  r2, [r1]\n"
        "    orr  r2, r2, #0x00F00000\n"
        "    str  r2, [r1]\n"
        "    dsb\n"
        "    isb\n"
#endif
#if defined(__ARM_FEATURE_MVE)
        "    ldr  r1, =" CCR "\n" /* CCR.LOB: let LE instructions use the loop cache; CCR.BP: branch prediction, if any */
        "    ldr  r2, [r1]\n"
        "    orr  r2, r2, #0x000C0000\n"
        "    str  r2, [r1]\n"
        "    dsb\n"
        "    isb\n"
#endif
        "    ldr  r1, =__mcuq_stack_bottom\n"
        "    ldr  r2, =" STACK_PAINT "\n"
        "1:  subs r0, r0, #4\n"
        "    str  r2, [r0]\n"
        "    cmp  r0, r1\n"
        "    bhi  1b\n"
        "    ldr  r0, =mcuq_start\n"
        "    bx   r0\n"
        "    .ltorg\n");
}

void mcuq_start(void)
{
#ifdef CHIP_RAM_ON
    mmio_write(CHIP_RAM_ON, CHIP_RAM_ON_BANKS); /* banks without a clock after reset; the stack lies in another */
#endif
    memcpy(__mcuq_data_start, __mcuq_data_load, (size_t)(__mcuq_data_end - __mcuq_data_start));
#if MCUQ_COPIES_WEIGHTS
    memcpy(__mcuq_weights_start, __mcuq_weights_load, (size_t)(__mcuq_weights_end - __mcuq_weights_start));
#endif
#if MCUQ_COPIES_HOT
    memcpy(__mcuq_hot_start, __mcuq_hot_load, (size_t)(__mcuq_hot_end - __mcuq_hot_start));
    __asm__ volatile("dsb\n isb" ::: "memory"); /* code was written */
#endif
    memset(__mcuq_bss_start, 0, (size_t)(__mcuq_bss_end - __mcuq_bss_start));
#if !defined(__ARM_ARCH_6M__)
    mmio_write(VTOR, (uint32_t)(uintptr_t)vectors); /* a boot loader or a boot address option may have left another */
#endif
#if MCUQ_HAS_CACHES
    mcuq_cache_enable();
#endif
    for (uint32_t word = 0U; word < NVIC_WORDS; word++) { /* those that a boot loader may have left enabled */
        mmio_write(NVIC_ICER + 4U * word, 0xFFFFFFFFU);
    }
    __asm__ volatile("cpsie i");
    (void)main();
    for (;;) {
    }
}

/* System exceptions only: everything is polled, so no device interrupt is ever enabled. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    [0] = (vector)(uintptr_t)__mcuq_stack_top, /* MISRA C:2012 rule 11.1: the table mixes an address with functions */
    [1] = mcuq_reset,
    [2] = mcuq_fault_entry,  /* NMI */
    [3] = mcuq_fault_entry,  /* HardFault */
    [4] = mcuq_fault_entry,  /* MemManage */
    [5] = mcuq_fault_entry,  /* BusFault */
    [6] = mcuq_fault_entry,  /* UsageFault */
    [7] = mcuq_fault_entry,  /* SecureFault */
    [11] = mcuq_fault_entry, /* SVCall */
    [12] = mcuq_fault_entry, /* DebugMonitor */
    [14] = mcuq_fault_entry, /* PendSV */
#if MCUQ_COUNTER_USES_SYSTICK
    [15] = mcuq_systick_handler,
#else
    [15] = mcuq_fault_entry,
#endif
};
