/* RA8M1, everything in the secure state: where its blocks are (RA8M1 User's Manual: Hardware, R01UH0994: registers of the
 * chapters I/O Registers, Module-stop function, I/O Ports). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define RA_SYSTEM 0x4001E000U
#define RA_FCACHE 0x4001C100U
#define RA_MSTPCRB 0x40203004U
#define RA_PFS(port, pin) (0x40400800U + 0x40U * (port) + 4U * (pin))
#define RA_PWPRS 0x40400D14U /* of the secure state */
#define RA_MOCO_HZ 8000000U  /* nominal, untrimmed */

#endif
