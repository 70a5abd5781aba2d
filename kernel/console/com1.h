/* COM1, a 16550 UART: ports and bits, for boot code and kernel. Only #defines: assembler reads this too. */
#pragma once

#define COM1_DATA 0x3f8
#define COM1_INTERRUPT_ENABLE 0x3f9
#define COM1_FIFO_CONTROL 0x3fa
#define COM1_LINE_CONTROL 0x3fb
#define COM1_MODEM_CONTROL 0x3fc
#define COM1_LINE_STATUS 0x3fd
#define LINE_8N1 0x03
#define LINE_DIVISOR_ACCESS 0x80
#define FIFO_ENABLE_CLEARED 0x07
#define MODEM_DTR_RTS 0x03
#define STATUS_DATA_READY 0x01
#define STATUS_HOLDING_EMPTY 0x20
#define STATUS_TRANSMITTER_EMPTY 0x40
#define STATUS_ABSENT 0xff /* reads so where there is no port */
