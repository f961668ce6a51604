/* RP2040: where its blocks are (RP2040 datasheet: address map, RESETS, CLOCKS, IO_BANK0, PADS_BANK0). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define RP2_CLOCKS 0x40008000U
#define RP2_RESETS 0x4000C000U
#define RP2_RESETS_IO_BANK0 (1U << 5)
#define RP2_RESETS_PADS_BANK0 (1U << 8)
#define RP2_RESETS_PLL_SYS (1U << 12)
#define RP2_RESETS_UART(number) (1U << (22U + (number)))
#define RP2_IO_BANK0 0x40014000U
#define RP2_PADS_BANK0 0x4001C000U
#define RP2_XOSC 0x40024000U
#define RP2_PLL_SYS 0x40028000U
#define RP2_UART0 0x40034000U
#define RP2_UART_STRIDE 0x4000U
#define RP2_ROSC_HZ 6500000U /* nominal, with a range of 1.8 to 12 MHz */

#endif
