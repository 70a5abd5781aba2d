/* Calls a module's entry on the host: "PROGRAM N" prints the answer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t ENTRY(uint32_t n);

int main(int count, char **arguments)
{
    printf("%u\n", (unsigned)ENTRY((uint32_t)strtoul(count > 1 ? arguments[1] : "0", 0, 0)));
    return 0;
}
