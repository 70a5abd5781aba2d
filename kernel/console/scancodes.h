/* Scan code set 1, US layout: what a keyboard sends through the controller's translation. IBM Personal System/2
 * Technical Reference, Keyboards. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* What earlier codes mean for the next. All zeros: nothing held, all locks off. */
struct scancode_state {
    bool left_shift, right_shift;
    bool caps_lock, num_lock;
    bool extended;    /* the last code was the prefix E0 */
    uint8_t skipped;  /* so many codes that follow belong to the Pause key */
    bool lock_is_held; /* repeats of a lock key toggle nothing */
};

/* Takes the next code. Returns the key pressed, as wait_key does, or 0: a release, a modifier, one without meaning. */
int scancode_key(struct scancode_state *state, uint8_t code);
