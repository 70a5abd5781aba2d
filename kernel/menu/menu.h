/* The interactive mode: a menu on the screen and on COM1, driven by single keys from keyboard or COM1. */
#pragma once
#include "loader/config.h"

/* Runs what the user chooses until they quit. */
void menu_run(const struct config *config);
