/*
 * Verifies all programs of a file: each is a length of four bytes and as many bytes. One at a time stands at the end of
 * an allocation of its size, so that the sanitizers see each byte that is read behind it. Prints how many were good.
 */
#include <stdio.h>
#include <stdlib.h>

#include "jit/program.h"

int main(int count, char **arguments)
{
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    uint32_t size, good = 0;
    if (!file)
        return 2;
    while (fread(&size, sizeof size, 1, file) == 1) {
        struct jit_program program;
        struct jit_problem problem;
        uint8_t *image = malloc(size);
        if (!image || fread(image, 1, size, file) != size)
            return 2;
        if (jit_verify(image, size, &program, &problem))
            good++;
        else if (!problem.text || problem.offset > size)
            return 1;
        free(image);
    }
    printf("%u\n", good);
    return 0;
}
