/* ln 2 in two parts. The first has 42 bits: times the exponent of a double, of 11 bits, it is exact. */
#pragma once

#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
