/* PS/2 keyboard (interrupt 1, scan code set 1, US layout) and, as a second keyboard, what arrives on COM1. */
#pragma once
#include <stdbool.h>

enum key {
    KEY_ENTER = '\n',
    KEY_BACKSPACE = '\b',
    KEY_ESCAPE = 27,
    KEY_UP = 0x100,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_F1, /* to F12: KEY_F1 + 11 */
};

/* Starts the PS/2 keyboard; pic_init was called before. False when there is none; COM1 works all the same. */
bool keyboard_init(void);

/*
 * Shows the cursor, halts until there is a key, and returns its ASCII character, or an enum key. Timer and interrupts
 * must be on: the timer's interrupt is what makes it look at COM1. Keys typed before are kept, 32 of them.
 */
int wait_key(void);
