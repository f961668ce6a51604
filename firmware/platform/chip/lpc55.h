/* LPC55S6x: where its blocks are, seen through the addresses without the security bit, which secure code may use (UM11126:
 * memory map, SYSCON and IOCON registers). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define LPC_SYSCON 0x40000000U
#define LPC_PRESETCTRLCLR(number) (LPC_SYSCON + 0x140U + 4U * (number))
#define LPC_AHBCLKCTRLSET(number) (LPC_SYSCON + 0x220U + 4U * (number))
#define LPC_FCCLKSEL(flexcomm) (LPC_SYSCON + 0x2B0U + 4U * (flexcomm))
#define LPC_FLEXFRGCTRL(flexcomm) (LPC_SYSCON + 0x320U + 4U * (flexcomm))
#define LPC_IOCON 0x40001000U
#define LPC_ANACTRL 0x40013000U
#define LPC_FLASH 0x40034000U
#define LPC_FRO12M_HZ 12000000U

/* The clocks of SRAM1 to SRAM4 are off after reset (AHBCLKCTRL0, bits 3 to 6), that of SRAM0, which the stack is in, is on. */
#define CHIP_RAM_ON LPC_AHBCLKCTRLSET(0U)
#define CHIP_RAM_ON_BANKS (15U << 3)

#endif
