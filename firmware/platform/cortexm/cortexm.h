/* What the files of platform/cortexm share. */
#ifndef MCUQ_CORTEXM_H
#define MCUQ_CORTEXM_H

/* A word that a program is unlikely to leave on its stack. */
#define MCUQ_STACK_PAINT 0xA5C35A3C

/* The handler of every fault: reports it over the serial line and stops. */
void mcuq_fault_entry(void);

/* Counts the wraps of SysTick; only where counter/dwt_systick.c is the counter. */
void mcuq_systick_handler(void);

#endif
