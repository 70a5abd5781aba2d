#pragma once

/*
 * Sets up the timer, the keyboard and COM1 as the kernel needs them, whatever a module has done to them. The interrupt
 * controllers are guard_call's, the disk sees to itself: kernel/disk/ata.c.
 */
void devices_restore(void);
