/* Reads records, each as two words (channels, bytes) and the bytes, and writes the three tables that they expand to. */
#include <stdio.h>
#include <stdlib.h>

#include "mcuq_expand_records.h"

int main(void)
{
    uint32_t head[2];
    while (fread(head, sizeof(head), 1U, stdin) == 1U) {
        uint8_t *const records = malloc(head[1]);
        int32_t *const tables = malloc(12U * head[0]);
        if ((records == NULL) || (tables == NULL) || (fread(records, head[1], 1U, stdin) != 1U)) {
            return 1;
        }
        mcuq_expand_records(records, (int32_t)head[0], tables);
        (void)fwrite(tables, 12U, head[0], stdout);
        free(records);
        free(tables);
    }
    return 0;
}
