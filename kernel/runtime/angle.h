/* An angle without its whole quarter turns. */
#pragma once

/* x = quadrant * pi/2 + high + low, less whole turns. |high + low| is at most pi/4 and a little; low is less than two
 * units in the last place of high. */
struct angle {
    double high, low;
    unsigned quadrant; /* modulo 4 */
};

/* `x` is finite. The relative error of high + low is below 2^-57 for every double. */
void bf_reduce_angle(double x, struct angle *angle);
