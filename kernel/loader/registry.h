/*
 * All modules the kernel knows, whatever they come from. Of the modules of one name and kind one is active: that of the
 * source with the highest rank, and of two on disk the one found first. Invalid modules are kept for reports; they
 * override nothing and are not overridden.
 */
#pragma once
#include "loader/module.h"

#define REGISTRY_MAX 512

/* Copies the module's description, its path too. Reports each module that it overrides or is overridden by. Returns the
 * copy, or 0 when the registry or the heap is full. */
struct module *registry_add(const struct module *module);

/* Takes the module out and frees what belongs to it; one that it overrode becomes active again, and is returned. */
struct module *registry_remove(struct module *module);

/* Active modules in the order of their registration: 0 behind the last. */
struct module *registry_active(uint32_t index);

/* The active module of this name and kind, or 0. */
struct module *registry_find(const char *name, enum module_kind kind);

/* The modules that an active one overrides, in the order of their registration: 0 behind the last. */
struct module *registry_overridden(const struct module *active, uint32_t index);
