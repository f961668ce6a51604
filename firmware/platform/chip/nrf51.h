/* nRF51: where the pins of their UART are (nRF51 Series Reference Manual 3.0, GPIO registers). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define NRF_GPIO 0x50000000U

#endif
