#include "console/terminal_keys.h"

#include "console/keyboard.h"

#define DELETE 0x7f /* what most terminals send for Backspace */
#define FINAL_FIRST 0x40 /* of the bytes that end a sequence */
#define FINAL_LAST 0x7e
#define F1_PARAMETER 11
#define F12_PARAMETER 24

/* Behind ESC [ or ESC O. */
static int letter_key(uint8_t letter)
{
    switch (letter) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'F':
        return KEY_END;
    case 'H':
        return KEY_HOME;
    case 'P':
    case 'Q':
    case 'R':
    case 'S':
        return KEY_F1 + letter - 'P';
    default:
        return 0;
    }
}

/* ESC [ parameter ~ */
static int numbered_key(uint8_t parameter)
{
    static const uint8_t function_keys[] = {1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0, 11, 12}; /* from F1_PARAMETER on */
    switch (parameter) {
    case 1:
    case 7:
        return KEY_HOME;
    case 4:
    case 8:
        return KEY_END;
    case 5:
        return KEY_PAGE_UP;
    case 6:
        return KEY_PAGE_DOWN;
    default:
        break;
    }
    if (parameter < F1_PARAMETER || parameter > F12_PARAMETER || !function_keys[parameter - F1_PARAMETER])
        return 0;
    return KEY_F1 + function_keys[parameter - F1_PARAMETER] - 1;
}

static int plain_key(uint8_t byte)
{
    if (byte == '\r')
        return KEY_ENTER;
    if (byte == DELETE)
        return KEY_BACKSPACE;
    if (byte == '\n' || byte == '\b' || byte == '\t')
        return byte;
    return byte >= ' ' && byte < DELETE ? byte : 0;
}

static void take_parameter(struct terminal_state *state, uint8_t byte)
{
    bool is_digit = byte >= '0' && byte <= '9';
    if (is_digit && !state->more_parameters && state->parameter < 100)
        state->parameter = (uint8_t)(state->parameter * 10 + byte - '0');
    state->more_parameters |= byte == ';';
}

void terminal_take(struct terminal_state *state, uint8_t byte, void (*put)(int key))
{
    int key = 0;
    if (state->expects == TERMINAL_ESCAPE && (byte == '[' || byte == 'O')) {
        *state = (struct terminal_state){.expects = byte == '[' ? TERMINAL_PARAMETERS : TERMINAL_SS3};
        return;
    }
    if (byte == KEY_ESCAPE || state->expects == TERMINAL_ESCAPE)
        terminal_pause(state, put);
    if (byte == KEY_ESCAPE)
        state->expects = TERMINAL_ESCAPE;
    else if (state->expects == TERMINAL_PLAIN)
        key = plain_key(byte);
    else if (byte < FINAL_FIRST || byte > FINAL_LAST)
        take_parameter(state, byte);
    else {
        key = byte == '~' ? numbered_key(state->parameter) : letter_key(byte);
        state->expects = TERMINAL_PLAIN;
    }
    if (key)
        put(key);
}

void terminal_pause(struct terminal_state *state, void (*put)(int key))
{
    if (state->expects == TERMINAL_ESCAPE)
        put(KEY_ESCAPE);
    state->expects = TERMINAL_PLAIN;
}
