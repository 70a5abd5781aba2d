/* COM1, 115200 baud, 8N1. */
#pragma once

void serial_init(void);

/* Sets the port up again, whatever a module has done to it. What has arrived is kept. */
void serial_restore(void);

/* Sends one character; "\n" goes out as "\r\n". A port that stays busy is given up: waits are bounded. */
void serial_put(char character);

/* Ends the line that is being sent, if any: a line for machines starts in the first column. */
void serial_fresh_line(void);

/* Waits, bounded, until the last character has left. */
void serial_drain(void);

/* The next character that arrived, or -1. Does not wait. */
int serial_take(void);
