#include "console/scancodes.h"

#include "console/keyboard.h"

#define PREFIX_EXTENDED 0xe0
#define PREFIX_PAUSE 0xe1
#define PAUSE_CODES 2 /* behind the prefix, pressed and released alike */
#define RELEASED 0x80
#define ENTER 0x1c
#define LEFT_SHIFT 0x2a
#define SLASH 0x35
#define RIGHT_SHIFT 0x36
#define CAPS_LOCK 0x3a
#define F1 0x3b
#define F10 0x44
#define NUM_LOCK 0x45
#define KEYPAD_FIRST 0x47
#define KEYPAD_LAST 0x53
#define F11 0x57
#define F12 0x58

/* By scan code; 0 for keys that make no character. */
static const char plain[] = "\0\33" "1234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\33" "!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
_Static_assert(sizeof plain == CAPS_LOCK + 1 && sizeof shifted == sizeof plain, "one character a code, and NUL");

/* From KEYPAD_FIRST on. */
static const char keypad_digits[] = "789-456+1230.";
static const uint16_t keypad_moves[] = {
    KEY_HOME, KEY_UP, KEY_PAGE_UP, '-', KEY_LEFT, 0, KEY_RIGHT, '+', KEY_END, KEY_DOWN, KEY_PAGE_DOWN, 0, 0,
};

static int keypad_key(uint8_t code, bool digits)
{
    if (code < KEYPAD_FIRST || code > KEYPAD_LAST)
        return 0;
    return digits ? keypad_digits[code - KEYPAD_FIRST] : keypad_moves[code - KEYPAD_FIRST];
}

/* The keys beside the main block, and those of the keypad that send the same characters as others. */
static int extended_key(uint8_t code)
{
    if (code == ENTER || code == SLASH)
        return plain[code];
    int key = keypad_key(code, false);
    return key == '-' || key == '+' ? 0 : key;
}

static int character_key(const struct scancode_state *state, uint8_t code)
{
    char character = plain[code];
    bool is_letter = character >= 'a' && character <= 'z';
    bool shift = state->left_shift || state->right_shift;
    return (is_letter && state->caps_lock) != shift ? shifted[code] : character;
}

static bool take_modifier(struct scancode_state *state, uint8_t code, bool pressed)
{
    switch (code) {
    case LEFT_SHIFT:
        state->left_shift = pressed;
        return true;
    case RIGHT_SHIFT:
        state->right_shift = pressed;
        return true;
    case CAPS_LOCK:
        state->caps_lock ^= pressed && !state->lock_is_held;
        state->lock_is_held = pressed;
        return true;
    case NUM_LOCK:
        state->num_lock ^= pressed && !state->lock_is_held;
        state->lock_is_held = pressed;
        return true;
    default:
        return false;
    }
}

int scancode_key(struct scancode_state *state, uint8_t code)
{
    bool extended = state->extended, pressed = !(code & RELEASED);
    state->extended = code == PREFIX_EXTENDED;
    if (state->skipped) {
        state->skipped--;
        return 0;
    }
    if (code == PREFIX_PAUSE)
        state->skipped = PAUSE_CODES;
    if (code == PREFIX_PAUSE || code == PREFIX_EXTENDED)
        return 0;
    code &= (uint8_t)~RELEASED;
    if (extended) /* shifts with this prefix are sent by the keyboard itself, around other keys */
        return pressed ? extended_key(code) : 0;
    if (take_modifier(state, code, pressed) || !pressed)
        return 0;
    if (code < sizeof plain)
        return character_key(state, code);
    if (code >= F1 && code <= F10)
        return KEY_F1 + code - F1;
    if (code == F11 || code == F12)
        return KEY_F1 + 10 + code - F11;
    return keypad_key(code, state->num_lock);
}
