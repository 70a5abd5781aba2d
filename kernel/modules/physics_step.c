/*
 * Discs in a box: Verlet integration with gravity, collisions with the walls and between each pair.
 *
 * n is the number of time steps.
 * The answer is a checksum of all positions after the last step, rounded down to 1/65536 of the unit length.
 *
 * Every operation (+ - * / and the square root) is exactly rounded under IEEE 754 and the order is fixed, so the
 * answer is the same on every machine although collisions amplify the smallest difference.
 */
#include "module.h"

enum { PARTICLES = 16, PARTICLES_PER_ROW = 4, UNITS_PER_LENGTH = 65536 };

#define TIME_STEP   0.0078125 /* 2^-7 */
#define GRAVITY     (-9.75)
#define RADIUS      0.4
#define BOX_SIZE    6.0  /* the box spans 0 to BOX_SIZE in x and y */
#define RESTITUTION 0.75 /* speed after a collision with a wall, relative to the speed before */

/* Verlet keeps no velocity: it is the way from the previous position to the current one, per time step. */
struct particle {
    double x, y;
    double previous_x, previous_y;
};

static struct particle particles[PARTICLES];

/* The particles start on a grid, not touching, each with its own velocity of at most 4 units of length per unit
 * of time in either direction. */
static void place(uint32_t *random)
{
    for (int i = 0; i < PARTICLES; i++) {
        struct particle *p = &particles[i];
        double velocity_x = (double)((int32_t)next_random(random) - 0x800000) / 2097152.0;
        double velocity_y = (double)((int32_t)next_random(random) - 0x800000) / 2097152.0;

        p->x = 0.75 + 1.5 * (double)(i % PARTICLES_PER_ROW);
        p->y = 0.75 + 1.5 * (double)(i / PARTICLES_PER_ROW);
        p->previous_x = p->x - velocity_x * TIME_STEP;
        p->previous_y = p->y - velocity_y * TIME_STEP;
    }
}

static void integrate(struct particle *p)
{
    double next_x = p->x + (p->x - p->previous_x);
    double next_y = p->y + (p->y - p->previous_y) + GRAVITY * TIME_STEP * TIME_STEP;

    p->previous_x = p->x;
    p->previous_y = p->y;
    p->x = next_x;
    p->y = next_y;
}

/* Puts a coordinate that passed a wall back onto it and reverses its velocity. */
static void bounce(double *position, double *previous)
{
    double wall;
    double velocity = *position - *previous;

    if (*position < RADIUS)
        wall = RADIUS;
    else if (*position > BOX_SIZE - RADIUS)
        wall = BOX_SIZE - RADIUS;
    else
        return;
    *position = wall;
    *previous = wall + velocity * RESTITUTION;
}

/* Moves two overlapping discs apart along the line between their centres, half of the overlap each. */
static void collide(struct particle *p, struct particle *q)
{
    double dx = q->x - p->x;
    double dy = q->y - p->y;
    double distance_squared = dx * dx + dy * dy;

    /* Discs at the very same place have no line between them. */
    if (distance_squared >= 4.0 * RADIUS * RADIUS || distance_squared == 0.0)
        return;

    double distance = __builtin_sqrt(distance_squared);
    double push = (2.0 * RADIUS - distance) / distance * 0.5;

    p->x -= dx * push;
    p->y -= dy * push;
    q->x += dx * push;
    q->y += dy * push;
}

static void step(void)
{
    for (int i = 0; i < PARTICLES; i++)
        integrate(&particles[i]);
    for (int i = 0; i < PARTICLES; i++)
        for (int j = i + 1; j < PARTICLES; j++)
            collide(&particles[i], &particles[j]);
    for (int i = 0; i < PARTICLES; i++) {
        bounce(&particles[i].x, &particles[i].previous_x);
        bounce(&particles[i].y, &particles[i].previous_y);
    }
}

uint32_t physics_step_main(uint32_t n)
{
    uint32_t random = n;
    uint32_t checksum = 0;

    place(&random);
    for (uint32_t i = 0; i < n; i++)
        step();

    /* After a step every position lies inside the box, so it is positive and the conversion rounds down. */
    for (int i = 0; i < PARTICLES; i++) {
        checksum = mix(checksum, (uint32_t)(int32_t)(particles[i].x * UNITS_PER_LENGTH));
        checksum = mix(checksum, (uint32_t)(int32_t)(particles[i].y * UNITS_PER_LENGTH));
    }
    return checksum;
}
