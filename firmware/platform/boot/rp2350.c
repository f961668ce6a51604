/* The image definition that the RP2350's boot ROM looks for in the first 4 KB of the flash: one block, a loop of its own,
 * that says "an executable for the Arm cores of an RP2350, secure state". The vector table stands at the start of the image,
 * where the boot ROM looks when no item says otherwise.
 *
 * Source: RP2350 datasheet, section "Minimum viable image metadata" and, for the fields, "PICOBIN_BLOCK_ITEM_1BS_IMAGE_TYPE".
 */
#include <stdint.h>

#define BLOCK_START 0xFFFFDED3U
#define BLOCK_END 0xAB123579U
#define ITEM_IMAGE_TYPE 0x42U
#define ITEM_LAST 0xFFU
#define IMAGE_TYPE_EXECUTABLE 1U
#define IMAGE_TYPE_SECURE (2U << 4)
#define IMAGE_TYPE_ARM (0U << 8)
#define IMAGE_TYPE_RP2350 (1U << 12)
#define IMAGE_TYPE (IMAGE_TYPE_EXECUTABLE | IMAGE_TYPE_SECURE | IMAGE_TYPE_ARM | IMAGE_TYPE_RP2350)

extern const uint32_t mcuq_image_definition[5];

__attribute__((section(".image_definition"), used)) const uint32_t mcuq_image_definition[5] = {
    BLOCK_START,
    ITEM_IMAGE_TYPE | (1U << 8) | (IMAGE_TYPE << 16), /* one word long */
    ITEM_LAST | (1U << 8),                            /* one word of items before this */
    0U,                                               /* the next block is this one */
    BLOCK_END,
};
