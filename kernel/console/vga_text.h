/* Text mode of the screen, for kernel and CPU check. Only #defines: assembler reads this too. */
#pragma once

#define VGA_TEXT 0xb8000 /* 16 bits a cell: character, colour, background */
#define VGA_COLUMNS 80
#define VGA_ROWS 25
