"""malloc and its kin over a small module arena on the host."""

import ctypes
from itertools import pairwise

import pytest

ARENA_BYTES = 4096
SIZE_MAX = 2 ** (8 * ctypes.sizeof(ctypes.c_size_t)) - 1
ADDRESS, SIZE = ctypes.c_void_p, ctypes.c_size_t


@pytest.fixture
def memory(host_build, host_arena, repository, runtime_folder):
    folder, arena = host_arena(ARENA_BYTES)
    sources = [runtime_folder / "allocation.c", repository / "kernel/memory/heap.c", repository / "kernel/lib/string.c"]
    library = ctypes.CDLL(str(host_build([*sources, arena], generated=folder)))
    for name, result, *arguments in (
        ("malloc", ADDRESS, SIZE),
        ("calloc", ADDRESS, SIZE, SIZE),
        ("realloc", ADDRESS, ADDRESS, SIZE),
        ("free", None, ADDRESS),
    ):
        function = getattr(library, f"bf_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def test_blocks_are_aligned_inside_the_arena_and_apart(memory):
    arena = ctypes.addressof(ctypes.c_char.in_dll(memory, "arena"))
    blocks = []
    while block := memory.bf_malloc(100):
        blocks.append(block)
    assert len(blocks) > ARENA_BYTES // 160
    assert all(block % 16 == 0 and arena <= block <= arena + ARENA_BYTES - 100 for block in blocks)
    assert all(after - before >= 100 for before, after in pairwise(blocks))
    for block in blocks:
        memory.bf_free(block)
    memory.bf_free(None)
    assert memory.bf_malloc(ARENA_BYTES // 2)


def test_calloc_clears_and_refuses_a_product_that_overflows(memory):
    dirty = memory.bf_malloc(64)
    ctypes.memset(dirty, 0xFF, 64)
    memory.bf_free(dirty)
    block = memory.bf_calloc(16, 4)
    assert block == dirty
    assert ctypes.string_at(block, 64) == bytes(64)
    assert memory.bf_calloc(SIZE_MAX // 2, 4) is None
    assert memory.bf_calloc(SIZE_MAX, 1) is None


def test_realloc_keeps_what_was_there(memory):
    block = memory.bf_realloc(None, 40)
    ctypes.memmove(block, bytes(range(40)), 40)
    memory.bf_malloc(16)  # so that it has to move
    larger = memory.bf_realloc(block, 400)
    assert larger != block
    assert ctypes.string_at(larger, 40) == bytes(range(40))
    assert memory.bf_realloc(larger, 10) == larger
    assert memory.bf_malloc(16) == block  # what it left is free again


def test_realloc_without_room_leaves_the_block(memory):
    block = memory.bf_malloc(40)
    ctypes.memmove(block, bytes(range(40)), 40)
    assert memory.bf_realloc(block, ARENA_BYTES) is None
    assert ctypes.string_at(block, 40) == bytes(range(40))
