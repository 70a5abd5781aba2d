/* Keys as a terminal on COM1 sends them: characters, and escape sequences as in ECMA-48 and xterm. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* All zeros: no sequence has begun. */
struct terminal_state {
    enum { TERMINAL_PLAIN, TERMINAL_ESCAPE, TERMINAL_PARAMETERS, TERMINAL_SS3 } expects;
    uint8_t parameter;    /* the first of the sequence */
    bool more_parameters; /* its others are passed over */
};

/* Takes the next byte; calls `put` for each key that is complete, as wait_key returns it. */
void terminal_take(struct terminal_state *state, uint8_t byte, void (*put)(int key));

/* Nothing has followed for a while: what has begun as a sequence was the Escape key. */
void terminal_pause(struct terminal_state *state, void (*put)(int key));
