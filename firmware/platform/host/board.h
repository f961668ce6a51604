/* The board header of the host build, in the place of the generated one. */
#ifndef MCUQ_BOARD_H
#define MCUQ_BOARD_H

#define MCUQ_BOARD_NAME "host"
#define MCUQ_LINK_PAYLOAD_BYTES 4096U

#endif
