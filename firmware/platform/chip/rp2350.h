/* RP2350: where its blocks are (RP2350 datasheet: address map, RESETS, CLOCKS, IO_BANK0, PADS_BANK0). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define RP2_CLOCKS 0x40010000U
#define RP2_RESETS 0x40020000U
#define RP2_RESETS_IO_BANK0 (1U << 6)
#define RP2_RESETS_PADS_BANK0 (1U << 9)
#define RP2_RESETS_PLL_SYS (1U << 14)
#define RP2_RESETS_UART(number) (1U << (26U + (number)))
#define RP2_IO_BANK0 0x40028000U
#define RP2_PADS_BANK0 0x40038000U
#define RP2_XOSC 0x40048000U
#define RP2_PLL_SYS 0x40050000U
#define RP2_UART0 0x40070000U
#define RP2_UART_STRIDE 0x8000U
#define RP2_ROSC_HZ 11000000U /* nominal, with a range of 4.6 to 19.6 MHz */

#endif
