/* sqrt: one instruction, correctly rounded. Written out: a builtin may become a call of the function it is in. */
#include "include/math.h"

double sqrt(double x)
{
    double root;
    __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(x));
    return root;
}

float sqrtf(float x)
{
    float root;
    __asm__("sqrtss %1, %0" : "=x"(root) : "x"(x));
    return root;
}
