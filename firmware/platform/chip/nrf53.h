/* nRF5340, application core in the secure state: where the pins of its UARTE are (nRF5340 Product Specification: GPIO
 * registers). The manual counts registers from 0x500 further on; so counted they lie as on an nRF52. */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define NRF_GPIO 0x50842000U

#endif
