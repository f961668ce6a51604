/* The RP2040's second stage: the first 256 bytes of the flash, which the boot ROM copies to the end of the SRAM and runs when
 * the CRC in the last word is right. Sets the flash interface up for execution in place, then starts the image behind it.
 *
 * Every read is one whole command (no continuous read mode), so that the flash needs no state: Fast Read Quad Output (6Bh)
 * where the flash has its quad enable bit set, as the Pico's leaves the factory; else Fast Read Dual Output (3Bh). Nothing is
 * written to the flash. At half of 133 MHz a byte takes 4 or 8 core clocks; the pads are made fast enough for it: the clock's
 * drives 8 mA with fast edges, the data's have no Schmitt trigger.
 *
 * Words are 32 bits; the interface is Synopsys' DW_apb_ssi. Sources: RP2040 datasheet, sections on boot stage 2, SSI and
 * PADS_QSPI; W25Q16JV data sheet, Read Status Register-2 (35h), 6Bh, 3Bh. */
#include <stdint.h>

void mcuq_boot2(void);

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

/* Of the bytes before, as the boot ROM computes it: polynomial 04C11DB7, from all ones, neither reflected nor inverted. A
 * test holds it. */
#define CRC 0x85741A5E

/* PADS_QSPI registers, from 0x40020000. */
#define SCLK "0x04"
#define SD0 "0x08"
#define SD1 "0x0C"
#define SD2 "0x10"
#define SD3 "0x14"

/* SSI registers, from 0x18000000. */
#define CTRLR0 "0x00"
#define CTRLR1 "0x04"
#define SSIENR "0x08"
#define SER "0x10"
#define BAUDR "0x14"
#define SR "0x28"
#define DR0 "0x60"

__attribute__((naked, noreturn, section(".boot2"))) void mcuq_boot2(void)
{
    __asm__ volatile(
        "    .syntax unified\n"
        "    ldr  r3, =0x40020000\n"
        "    movs r0, #0x21\n" /* drive 8 mA (2 << 4), fast slew rate */
        "    str  r0, [r3, #" SCLK "]\n"
        "    ldr  r0, [r3, #" SD0 "]\n"
        "    movs r1, #2\n" /* Schmitt trigger */
        "    bics r0, r1\n"
        "    str  r0, [r3, #" SD0 "]\n"
        "    str  r0, [r3, #" SD1 "]\n"
        "    str  r0, [r3, #" SD2 "]\n"
        "    str  r0, [r3, #" SD3 "]\n"
        "    ldr  r3, =0x18000000\n"
        "    movs r0, #0\n"
        "    str  r0, [r3, #" SSIENR "]\n" /* off: it takes settings only then */
        "    movs r0, #2\n"
        "    str  r0, [r3, #" BAUDR "]\n" /* flash clock: half the core's */
        "    movs r0, #1\n"
        "    movs r1, #0xF0\n" /* RX_SAMPLE_DLY: one clock later */
        "    str  r0, [r3, r1]\n"
        /* Status register 2 by a plain exchange of two bytes. */
        "    ldr  r0, =0x00070000\n" /* CTRLR0: frames of 8 bits, both directions, one line */
        "    str  r0, [r3, #" CTRLR0 "]\n"
        "    movs r0, #1\n"
        "    str  r0, [r3, #" SER "]\n"
        "    str  r0, [r3, #" SSIENR "]\n"
        "    movs r0, #0x35\n"
        "    str  r0, [r3, #" DR0 "]\n"
        "    str  r0, [r3, #" DR0 "]\n"
        "1:  ldr  r0, [r3, #" SR "]\n"
        "    movs r1, #5\n" /* transmit FIFO empty (4), busy (1) */
        "    ands r0, r1\n"
        "    cmp  r0, #4\n"
        "    bne  1b\n"
        "    ldr  r0, [r3, #" DR0 "]\n"
        "    ldr  r4, [r3, #" DR0 "]\n"
        "    movs r0, #0\n"
        "    str  r0, [r3, #" SSIENR "]\n"
        /* Execution in place. Bit 1 of the status is the quad enable bit. */
        "    ldr  r0, =0x005F0300\n" /* CTRLR0: frames of 32 bits, EEPROM read, four lines */
        "    ldr  r1, =0x6B004218\n" /* SPI_CTRLR0: 6Bh, 8 wait cycles, 8 bits of command, 24 of address, these serial */
        "    lsls r4, r4, #30\n"
        "    bmi  2f\n"
        "    ldr  r0, =0x003F0300\n" /* two lines */
        "    ldr  r1, =0x3B004218\n"
        "2:  str  r0, [r3, #" CTRLR0 "]\n"
        "    movs r0, #0\n"
        "    str  r0, [r3, #" CTRLR1 "]\n" /* one frame a read */
        "    movs r0, #0xF4\n"             /* SPI_CTRLR0 */
        "    str  r1, [r3, r0]\n"
        "    movs r0, #1\n"
        "    str  r0, [r3, #" SSIENR "]\n"
        /* The image: its vector table has the stack and the start. */
        "    ldr  r0, =0x10000100\n"
        "    ldr  r1, =0xE000ED08\n" /* VTOR */
        "    str  r0, [r1]\n"
        "    ldr  r1, [r0]\n"
        "    msr  msp, r1\n"
        "    ldr  r1, [r0, #4]\n"
        "    bx   r1\n"
        "    .ltorg\n"
        "    .org 252\n"
        "    .word " STRING(CRC) "\n");
}
