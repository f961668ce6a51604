/* STM32F7: where the clocks and pins of its USARTs are: all as on the STM32F4 (RM0385, RM0410: memory map, RCC and GPIO
 * register maps).
 *
 * The dividers are those that clock/stm32f7.c sets: APB1 may run at 54 MHz, APB2 at 108 MHz. */
#include "stm32f4.h"
