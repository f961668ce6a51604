/* nRF52: where the pins of their UART are (nRF52840 Product Specification, GPIO registers). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define NRF_GPIO 0x50000000U

#endif
