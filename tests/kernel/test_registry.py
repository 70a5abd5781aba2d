"""The registry of modules, driven against a model: which is active, what overrides what, what comes back."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable

import pytest

WRAPPER = r"""
#include <stdlib.h>
#include <string.h>
#include "loader/registry.h"
#include "report/events.h"

static long allocated; /* blocks in use */
static long room = -1; /* blocks that may still be had, -1 for any number */
static const struct module *by, *over;

void *kernel_allocate(size_t size)
{
    if (room == 0)
        return 0;
    room -= room > 0;
    allocated++;
    return malloc(size);
}

void kernel_free(void *memory)
{
    allocated -= memory != 0;
    free(memory);
}

void profile_release(struct module_profile *profile) { kernel_free(profile); }
void report_override(const struct module *winner, const struct module *loser) { by = winner; over = loser; }

void *add(const char *name, int kind, int source, int valid, const char *path)
{
    struct module module = {.source = source, .kind = kind, .path = (char *)path};
    strcpy(module.name, name);
    module.status = valid ? MODULE_VALID : MODULE_INVALID;
    by = over = 0;
    return registry_add(&module);
}

void give_profile(struct module *module) { module->profile = kernel_allocate(1); }
const char *path_of(const struct module *module) { return module->path; }
const void *last_by(void) { return by; }
const void *last_over(void) { return over; }
long blocks(void) { return allocated; }
void limit(long blocks_left) { room = blocks_left; }
"""

EMBEDDED, DISK, CACHED = 0, 1, 2
REGISTRY_MAX = 512


@pytest.fixture
def registry(host_library: Callable[..., ctypes.CDLL]) -> ctypes.CDLL:
    library = host_library("loader/registry.c", wrapper=WRAPPER)
    for name in (
        "add",
        "registry_active",
        "registry_find",
        "registry_remove",
        "registry_overridden",
        "last_by",
        "last_over",
    ):
        getattr(library, name).restype = ctypes.c_void_p
    library.blocks.restype = ctypes.c_long
    library.path_of.restype = ctypes.c_char_p
    return library


def pointer(value: int | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(value)


def walk(function: Callable[..., int | None], *arguments: object) -> list[int]:
    found: list[int] = []
    while (module := function(*arguments, len(found))) is not None:
        found.append(module)
    return found


def add(registry: ctypes.CDLL, name: str, kind: int = 0, source: int = DISK, *, valid: bool = True) -> int | None:
    module: int | None = registry.add(name.encode(), kind, source, valid, f"/{name}".encode())
    return module


def test_registry_agrees_with_a_list(registry: ctypes.CDLL) -> None:
    choose = random.Random(7)
    modules: list[tuple[int, str, int, int, bool]] = []  # in the order of their registration

    def best(name: str, kind: int) -> int | None:
        group = [row for row in modules if row[4] and row[1:3] == (name, kind)]
        return max(group, key=lambda row: row[3])[0] if group else None  # the first of the highest

    for _ in range(2000):
        if len(modules) > choose.randrange(25):
            row = choose.choice(modules)
            was_active = row[4] and best(row[1], row[2]) == row[0]
            modules.remove(row)
            heir = registry.registry_remove(pointer(row[0]))
            assert heir == (best(row[1], row[2]) if was_active else None)
        else:
            name, kind, source = choose.choice("abc"), choose.randrange(2), choose.choice([EMBEDDED, DISK, CACHED])
            valid, before = choose.random() < 0.9, best(name, kind)
            module = add(registry, name, kind, source, valid=valid)
            assert module is not None
            modules.append((module, name, kind, source, valid))
            reported = (registry.last_by(), registry.last_over())
            if valid and before is not None:
                winner = best(name, kind)
                assert reported == (winner, before if winner == module else module)
            else:
                assert reported == (None, None)
            registry.give_profile(pointer(module))
        active = [row[0] for row in modules if not row[4] or best(row[1], row[2]) == row[0]]
        assert walk(registry.registry_active) == active
        for name in "abc":
            for kind in (0, 1):
                winner = best(name, kind)
                assert registry.registry_find(name.encode(), kind) == winner
                if winner is not None:
                    losers = [row[0] for row in modules if row[4] and row[1:3] == (name, kind) and row[0] != winner]
                    assert walk(registry.registry_overridden, pointer(winner)) == losers
    for module, *_ in modules:
        registry.registry_remove(pointer(module))
    assert registry.blocks() == 0


def test_path_is_kept_as_a_copy(registry: ctypes.CDLL) -> None:
    text = ctypes.create_string_buffer(b"/LIB/sum.mod")
    module = registry.add(b"sum", 0, DISK, True, text)
    text.value = b"gone"
    assert registry.path_of(pointer(module)) == b"/LIB/sum.mod"


def test_full_registry_and_full_heap_take_no_module_and_keep_no_memory(registry: ctypes.CDLL) -> None:
    for number in range(REGISTRY_MAX):
        assert add(registry, f"m{number}") is not None
    blocks = registry.blocks()
    assert add(registry, "m0") is None
    registry.registry_remove(pointer(registry.registry_find(b"m5", 0)))
    for room in (0, 1):
        registry.limit(room)
        assert add(registry, "m5") is None
        assert registry.blocks() == blocks - 2
    registry.limit(-1)
    assert add(registry, "m5") is not None
