"""The three pools against a model: blocks, and first fit over the gaps between them."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

NAMES = ["code", "data", "metadata"]
CODE, DATA, METADATA = range(3)
ROOM = 8192
ALIGNMENT_MAX = 4096
# Nothing is ever written there, so it need not exist.
STARTS = [0x0100_0000, 0x0200_0000, 0xFFFF_0000]
# A kernel heap without a kernel; functions that call the pools by name are renamed so that one can be wrong.
WRAPPER = """
#include <stdint.h>
#include "memory/heap.h"
#include "lib/string.h"
#define pool_allocate sound_pool_allocate
#define pool_free sound_pool_free
#include "memory/pools.c"
#undef pool_allocate
#undef pool_free

struct heap kernel_heap;
static uint8_t kernel_memory[1 << 20];
void use_kernel_heap(size_t size) { heap_init(&kernel_heap, kernel_memory, size); }
size_t kernel_heap_used(void) { return kernel_heap.used; }
void *kernel_allocate(size_t size) { return heap_allocate(&kernel_heap, size); }
void kernel_free(void *memory) { heap_free(&kernel_heap, memory); }

int defect;
void *pool_allocate(enum pool_id pool, size_t size, size_t alignment)
{
    static uint8_t *last;
    if (defect == 1)
        alignment = 1;
    if (defect == 2 && last && size > 100 && alignment == 1)
        return last;
    void *memory = sound_pool_allocate(pool, size, alignment);
    if (defect == 3 && !memory)
        return last;
    last = memory ? memory : last;
    return memory;
}

bool pool_free(enum pool_id pool, void *memory)
{
    bool freed = sound_pool_free(pool, memory);
    if (defect == 4)
        return true;
    if (defect == 5 && !freed)
        return sound_pool_free(pool, (uint8_t *)memory - 1);
    if (defect == 6 && freed)
        ((uint8_t *)memory)[4096] = 0; /* the first byte of the next block of the filled code pool */
    if (defect == 7 && freed)
        sound_pool_allocate(pool, 1, 1);
    return freed;
}

const char *pools_self_test(void);
"""
WRONG = {
    1: "a block is not aligned",
    2: "a block overlaps another, or its memory does not work",
    3: "a full pool hands out a block",
    4: "a block can be freed twice",
    5: "an address inside a block can be freed",
    6: "a block is damaged by the freeing of others",
    7: "a pool cannot be filled",
}


class Memory(ctypes.Structure):
    _fields_ = (("start", ctypes.c_uint32), ("size", ctypes.c_uint32))


class Statistics(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_size_t) for name in ("size", "used", "free", "peak", "largest_free")),
        *((name, ctypes.c_uint32) for name in ("allocations", "fragmentation_percent")),
    )


@pytest.fixture(scope="module")
def library(host_library):
    library = host_library("memory/heap.c", "memory/pools_self_test.c", "lib/string.c", wrapper=WRAPPER)
    address, size, pool = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for name, result, *arguments in (
        ("use_kernel_heap", None, size),
        ("kernel_heap_used", size),
        ("pools_init", None, Memory * 3),
        ("pool_allocate", address, pool, size, size),
        ("pool_free", ctypes.c_bool, pool, address),
        ("pool_statistics", Statistics, pool),
        ("pool_memory", Memory, pool),
        ("pool_name", ctypes.c_char_p, pool),
        ("pools_self_test", ctypes.c_char_p),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@pytest.fixture
def pools(library):
    """Function that sets up the pools, by default over ROOM bytes each, with an empty kernel heap of some size."""

    def init(memory=tuple((start, ROOM) for start in STARTS), kernel_heap=1 << 20):
        library.pools_init((Memory * 3)())  # gives the tables of an earlier test back
        library.use_kernel_heap(kernel_heap)
        library.pools_init((Memory * 3)(*memory))
        return library

    return init


@dataclass
class Model:
    start: int
    size: int = ROOM
    blocks: dict[int, int] = field(default_factory=dict)
    peak: int = 0

    def gaps(self):
        start = self.start
        for block in sorted(self.blocks):
            yield start, block - start
            start = block + self.blocks[block]
        yield start, self.start + self.size - start

    def allocate(self, size, alignment):
        size = max(size, 1)
        for start, room in self.gaps():
            aligned = -(-start // alignment) * alignment
            if aligned + size <= start + room:
                self.blocks[aligned] = size
                self.peak = max(self.peak, sum(self.blocks.values()))
                return aligned
        return None

    def statistics(self):
        used = sum(self.blocks.values())
        free, largest = self.size - used, max(size for _, size in self.gaps())
        return {
            "size": self.size, "used": used, "free": free, "peak": self.peak, "largest_free": largest,
            "allocations": len(self.blocks),
            "fragmentation_percent": (free - largest) * 100 // free if free else 0,
        }  # fmt: skip


def statistics(library, pool):
    result = library.pool_statistics(pool)
    return {name: getattr(result, name) for name, _ in Statistics._fields_}


operations = st.lists(
    st.tuples(
        st.sampled_from(["allocate", "allocate", "free", "free elsewhere", "free inside"]),
        st.sampled_from([CODE, DATA, METADATA]),
        st.integers(0, 64) | st.integers(0, ROOM + 1),
        st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]),
    ),
    max_size=80,
)


@given(operations)
def test_any_sequence_of_calls_does_what_the_model_does(library, operations):
    library.pools_init((Memory * 3)())
    library.use_kernel_heap(1 << 20)
    library.pools_init((Memory * 3)(*((start, ROOM) for start in STARTS)))
    models = [Model(start) for start in STARTS]
    for operation, pool, value, alignment in operations:
        model = models[pool]
        if operation == "allocate":
            assert library.pool_allocate(pool, value, alignment) == model.allocate(value, alignment)
        elif model.blocks:
            block = sorted(model.blocks)[value % len(model.blocks)]
            if operation == "free":
                assert library.pool_free(pool, block)
                del model.blocks[block]
                assert not library.pool_free(pool, block)
            elif operation == "free elsewhere":
                assert not library.pool_free((pool + 1) % 3, block)
            elif model.blocks[block] > 1:
                assert not library.pool_free(pool, block + 1 + value % (model.blocks[block] - 1))
        assert [statistics(library, pool) for pool in range(3)] == [model.statistics() for model in models]

    for pool, model in enumerate(models):
        assert all(library.pool_free(pool, block) for block in model.blocks)
        after = statistics(library, pool)
        assert (after["used"], after["largest_free"], after["allocations"]) == (0, ROOM, 0)
        assert library.pool_allocate(pool, ROOM, 1) == model.start


def test_pools_take_the_memory_that_is_given(pools):
    given = [(0x0014_0000, 0x8000), (0x0050_0000, 0x1000), (0x0015_0000, 0)]
    library = pools(given)
    for pool, name in enumerate(NAMES):
        memory = library.pool_memory(pool)
        assert library.pool_name(pool).decode() == name
        assert (memory.start, memory.size) == given[pool]
        if memory.size:
            assert library.pool_allocate(pool, memory.size, 1) == memory.start
        assert library.pool_allocate(pool, 1, 1) is None


@pytest.mark.parametrize("alignment", [0, 3, 24, 4095, 4097, 8192, 2**32, 2**63])
def test_alignment_that_is_no_power_of_two_up_to_4096_is_refused(pools, alignment):
    library = pools()
    assert library.pool_allocate(CODE, 1, alignment) is None
    assert library.pool_allocate(CODE, 1, ALIGNMENT_MAX) == STARTS[CODE]


@pytest.mark.parametrize("size", [ROOM + 1, 0x7FFF_FFFF, 0xFFFF_0000, 0xFFFF_FFFF, 2**64 - 1])
def test_request_that_cannot_be_met_is_refused(pools, size):
    library = pools()
    assert [library.pool_allocate(pool, size, 1) for pool in range(3)] == [None] * 3
    assert library.pool_allocate(CODE, 1, 1)
    assert library.pool_allocate(CODE, size, 4096) is None


def test_address_0_is_no_block(pools):
    library = pools()
    assert not library.pool_free(CODE, None)
    assert library.pool_allocate(CODE, 1, 1)
    assert not library.pool_free(CODE, None)


def test_blocks_of_one_byte_fill_a_pool_to_the_last(pools):
    library = pools()
    assert [library.pool_allocate(CODE, 1, 1) for _ in range(ROOM)] == list(range(STARTS[CODE], STARTS[CODE] + ROOM))
    assert library.pool_allocate(CODE, 1, 1) is None
    assert statistics(library, CODE) == {
        "size": ROOM, "used": ROOM, "free": 0, "peak": ROOM, "largest_free": 0, "allocations": ROOM,
        "fragmentation_percent": 0,
    }  # fmt: skip


def test_without_room_for_bookkeeping_a_request_is_refused_and_nothing_is_lost(pools):
    library = pools(kernel_heap=512)
    blocks = []
    while block := library.pool_allocate(CODE, 8, 8):
        blocks.append(block)
    assert 0 < len(blocks) < ROOM // 8
    assert library.pool_allocate(METADATA, 8, 8) is not None or library.kernel_heap_used() > 0
    assert blocks == [STARTS[CODE] + 8 * i for i in range(len(blocks))]
    assert all(library.pool_free(CODE, block) for block in blocks)
    assert statistics(library, CODE)["largest_free"] == ROOM


def test_setting_up_again_gives_the_bookkeeping_back(pools):
    library = pools()
    for pool in range(3):
        for _ in range(100):
            assert library.pool_allocate(pool, 8, 8)
    assert library.kernel_heap_used() > 3 * 100 * 8
    library.pools_init((Memory * 3)())
    assert library.kernel_heap_used() == 0


# ---- self-test ----


@pytest.fixture
def real_pools(pools):
    """Pools over memory that is there, in the lowest 4 GiB as on the target."""
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    size = 1 << 20
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    # Without MAP_FIXED the address is a wish, granted when nothing is there.
    start = libc.mmap(0x2000_0000, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    assert start + size <= 2**32
    yield lambda sizes: pools([(start + (i << 18), size) for i, size in enumerate(sizes)])
    pools([(0, 0)] * 3)
    libc.munmap(ctypes.c_void_p(start), ctypes.c_size_t(size))


@pytest.fixture
def defect(library):
    """The number of what is wrong with the pools; 0 for nothing."""
    variable = ctypes.c_int.in_dll(library, "defect")
    yield variable
    variable.value = 0


@pytest.mark.parametrize("sizes", [(32768, 32768, 16384), (1024, 4096, 262144), (1000, 4095, 8197)])
def test_self_test_passes_and_leaves_the_pools_as_new(real_pools, sizes):
    library = real_pools(sizes)
    before = [statistics(library, pool) for pool in range(3)]
    assert library.pools_self_test() is None
    assert [statistics(library, pool) for pool in range(3)] == before
    assert [entry["peak"] for entry in before] == [0, 0, 0]


def test_self_test_refuses_a_pool_that_is_in_use(real_pools):
    library = real_pools((32768, 32768, 16384))
    block = library.pool_allocate(METADATA, 8, 8)
    assert library.pools_self_test() == b"a pool is in use"
    assert library.pool_free(METADATA, block)


@pytest.mark.parametrize("number", WRONG)
def test_self_test_finds_each_defect(real_pools, defect, number):
    library = real_pools((32768, 32768, 16384))
    defect.value = number
    assert library.pools_self_test().decode() == WRONG[number]


def test_self_test_says_when_the_bookkeeping_has_no_room(real_pools, library):
    real_pools((32768, 32768, 16384)).use_kernel_heap(0)
    assert library.pools_self_test() == b"an empty pool has no room for a block"
