"""The heap against a model: the blocks handed out, and first fit over the gaps between them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

ALIGNMENT = 16
ROOM = 4096
# Requests around a block's least size, and such as fill the room soon.
SIZES = st.integers(0, 80) | st.integers(0, ROOM)
SIZE_MAX = 2 ** (8 * ctypes.sizeof(ctypes.c_size_t)) - 1
WRAPPER = """
#include "memory/heap.c"
const size_t header_size = sizeof(struct heap_block);

/* Whether all blocks lie in order, fill the ranges, and no two free ones touch. */
bool heap_is_sound(const struct heap *heap)
{
    size_t size = 0, used = 0;
    for (const struct heap_block *block = heap->first; block; block = block->next) {
        const struct heap_block *right = neighbour(block);
        size += block->size;
        used += block->is_free ? 0 : block->size;
        /* Blocks that are too small, or more bytes than there are, come from a damaged or circular list. */
        if (block->size < BLOCK_MIN || block->size % HEAP_ALIGNMENT || size > heap->size)
            return false;
        if (block->next && (uintptr_t)block->next < end_of(block))
            return false;
        if (right && block->is_free && right->is_free)
            return false;
    }
    return size == heap->size && used == heap->used;
}
"""


class Heap(ctypes.Structure):
    _fields_ = (
        ("first", ctypes.c_void_p), ("used", ctypes.c_size_t), ("peak", ctypes.c_size_t), ("size", ctypes.c_size_t),
    )  # fmt: skip


class Statistics(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_size_t) for name in ("size", "used", "free", "peak", "largest_free")),
        *((name, ctypes.c_uint32) for name in ("allocations", "fragmentation_percent")),
    )


@pytest.fixture(scope="module")
def library(host_library):
    library = host_library(wrapper=WRAPPER)
    address, size, heap = ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(Heap)
    for name, result, *arguments in (
        ("heap_init", None, heap, address, size),
        ("heap_extend", None, heap, address, size),
        ("heap_allocate", address, heap, size),
        ("heap_free", ctypes.c_bool, heap, address),
        ("heap_usable_size", size, heap, address),
        ("heap_statistics", Statistics, heap),
        ("heap_is_sound", ctypes.c_bool, heap),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@pytest.fixture(scope="module")
def header(library):
    return ctypes.c_size_t.in_dll(library, "header_size").value


def rounded(size):
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


@dataclass
class Model:
    """Ranges (start, end) and the blocks in them, {start: size}; both count the headers."""

    header: int
    ranges: list[tuple[int, int]]
    blocks: dict[int, int] = field(default_factory=dict)
    peak: int = 0

    def gaps(self):
        for start, end in self.ranges:
            for block in sorted(block for block in self.blocks if start <= block < end):
                if block > start:
                    yield start, block - start
                start = block + self.blocks[block]
            if end > start:
                yield start, end - start

    def allocate(self, size):
        needed = self.header + rounded(size)
        for start, room in self.gaps():
            if room >= needed:
                too_little_left = room - needed < self.header + ALIGNMENT
                self.blocks[start] = room if too_little_left else needed
                self.peak = max(self.peak, sum(self.blocks.values()))
                return start + self.header
        return None

    def statistics(self):
        gaps = [size for _, size in self.gaps()]
        free, largest = sum(gaps), max(gaps, default=0)
        used = sum(self.blocks.values())
        return {
            "size": used + free, "used": used, "free": free, "peak": self.peak,
            "largest_free": largest - self.header if largest else 0, "allocations": len(self.blocks),
            "fragmentation_percent": (free - largest) * 100 // free if free else 0,
        }  # fmt: skip


def statistics(library, heap):
    result = library.heap_statistics(heap)
    return {name: getattr(result, name) for name, _ in Statistics._fields_}


@dataclass
class Arena:
    """A heap over the aligned first bytes of a buffer, and its model."""

    library: object
    header: int
    size: int
    heap: Heap = field(default_factory=Heap)

    def __post_init__(self):
        self.buffer = ctypes.create_string_buffer(self.size + ALIGNMENT)
        self.start = -(-ctypes.addressof(self.buffer) // ALIGNMENT) * ALIGNMENT
        self.model = Model(self.header, [(self.start, self.start + self.size)])
        self.library.heap_init(self.heap, self.start, self.size)

    def allocate(self, size):
        return self.library.heap_allocate(self.heap, size)

    def free(self, memory):
        return self.library.heap_free(self.heap, memory)


@pytest.fixture(scope="module")
def arena(library, header):
    return lambda size=ROOM: Arena(library, header, size)


operations = st.lists(
    st.tuples(st.just("allocate"), SIZES)
    | st.tuples(st.sampled_from(["free", "free again", "free inside"]), st.integers(0, 99)),
    max_size=60,
)


@given(operations)
def test_any_sequence_of_calls_does_what_the_model_does(library, arena, operations):
    tested = arena()
    model, contents, freed = tested.model, {}, []
    for number, (operation, value) in enumerate(operations):
        if operation == "allocate":
            memory = tested.allocate(value)
            assert memory == model.allocate(value)
            if memory is None:
                continue
            usable = library.heap_usable_size(tested.heap, memory)
            assert memory % ALIGNMENT == 0
            assert usable == model.blocks[memory - model.header] - model.header >= value
            contents[memory] = bytes([number + 1]) * usable
            ctypes.memmove(memory, contents[memory], usable)
        elif operation == "free" and contents:
            memory = sorted(contents)[value % len(contents)]
            assert tested.free(memory)
            del model.blocks[memory - model.header], contents[memory]
            freed.append(memory)
        elif operation == "free again" and freed:
            memory = freed[value % len(freed)]
            if memory not in contents:
                assert not tested.free(memory)
                assert library.heap_usable_size(tested.heap, memory) == 0
        elif operation == "free inside" and contents:
            memory = sorted(contents)[value % len(contents)]
            assert not tested.free(memory + 1 + value % ALIGNMENT)
        assert library.heap_is_sound(tested.heap)
        assert statistics(library, tested.heap) == model.statistics()
    for memory, content in contents.items():
        assert ctypes.string_at(memory, len(content)) == content

    for memory in contents:
        assert tested.free(memory)
    after = statistics(library, tested.heap)
    assert (after["used"], after["allocations"], after["fragmentation_percent"]) == (0, 0, 0)
    assert after["largest_free"] == ROOM - model.header
    assert tested.allocate(ROOM - model.header) == tested.start + model.header


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2)])
def test_free_blocks_that_touch_become_one_in_whatever_order(library, arena, order):
    tested = arena()
    blocks = [tested.allocate(64) for _ in range(3)]
    guard = tested.allocate(1)
    for index in order:
        assert tested.free(blocks[index])
    assert tested.allocate(3 * 64 + 2 * tested.header) == blocks[0]
    assert tested.allocate(1) > guard


def test_exhausted_heap_gives_nothing_and_recovers(library, arena):
    tested = arena()
    blocks = []
    while block := tested.allocate(1):
        blocks.append(block)
    assert len(blocks) == ROOM // (tested.header + ALIGNMENT)
    assert statistics(library, tested.heap)["free"] < tested.header + ALIGNMENT
    assert all(tested.free(block) for block in blocks)
    assert tested.allocate(ROOM - tested.header)


@pytest.mark.parametrize("size", [ROOM, ROOM + 1, SIZE_MAX - ALIGNMENT, SIZE_MAX - 1, SIZE_MAX])
def test_request_that_cannot_be_met_is_refused(library, arena, size):
    tested = arena()
    assert tested.allocate(size) is None
    assert statistics(library, tested.heap)["used"] == 0


def test_null_may_be_freed_and_foreign_addresses_may_not(library, arena):
    tested, other = arena(), arena()
    foreign = other.allocate(8)
    mine = tested.allocate(8)
    assert tested.free(None)
    for address in (foreign, tested.start, tested.start - 1, mine + 1, mine + ROOM, SIZE_MAX, 1):
        assert not tested.free(address)
    assert statistics(library, tested.heap)["allocations"] == 1


@given(st.integers(0, 200), st.integers(0, 3 * ALIGNMENT))
def test_ends_that_are_not_aligned_are_left_out(library, header, size, offset):
    """No byte outside the given ones is written."""
    buffer = ctypes.create_string_buffer(b"\xa5" * 512, 512)
    begin, heap = ctypes.addressof(buffer) + 64 + offset, Heap()
    library.heap_init(heap, begin, size)
    start, end = -(-begin // ALIGNMENT) * ALIGNMENT, (begin + size) // ALIGNMENT * ALIGNMENT
    room = end - start if end - start >= header + ALIGNMENT else 0
    assert (heap.size, library.heap_is_sound(heap)) == (room, True)
    memory = library.heap_allocate(heap, 1)
    assert memory == (start + header if room else None)
    if memory:
        ctypes.memset(memory, 0, library.heap_usable_size(heap, memory))
    assert buffer.raw[: 64 + offset] == b"\xa5" * (64 + offset)
    assert buffer.raw[64 + offset + size :] == b"\xa5" * (512 - 64 - offset - size)


@pytest.mark.parametrize("gap", [0, ALIGNMENT, 512])
def test_second_range_is_joined_only_when_it_touches_the_first(library, arena, gap):
    tested = arena(ROOM)
    library.heap_init(tested.heap, tested.start, 1024)
    library.heap_extend(tested.heap, tested.start + 1024 + gap, 1024)
    tested.model.ranges = [(tested.start, tested.start + (1024 if gap else 2048))]
    if gap:
        tested.model.ranges.append((tested.start + 1024 + gap, tested.start + 2048 + gap))
    assert statistics(library, tested.heap) == tested.model.statistics()
    blocks = [tested.allocate(200) for _ in range(9)]
    assert blocks == [tested.model.allocate(200) for _ in range(9)]
    for block in filter(None, blocks):
        assert tested.free(block)
        assert library.heap_is_sound(tested.heap)
    assert (tested.allocate(1500) is None) == bool(gap)


def test_empty_heap_has_no_room(library):
    heap = Heap()
    library.heap_init(heap, None, 0)
    assert library.heap_is_sound(heap)
    assert library.heap_allocate(heap, 0) is None
    assert not any(statistics(library, heap).values())


def test_damage_to_the_headers_is_noticed(library, arena):
    """Each word of the second block's header, overwritten as by a write past the end of the first block."""
    word = ctypes.sizeof(ctypes.c_size_t)
    for offset, value in ((0, 0), (0, 1), (word, 0), (word, 17), (word, ROOM), (2 * word, 1)):
        tested = arena()
        tested.allocate(64)
        second = tested.allocate(64)
        tested.allocate(64)
        assert library.heap_is_sound(tested.heap)
        ctypes.c_size_t.from_address(second - tested.header + offset).value = value
        assert not library.heap_is_sound(tested.heap), (offset, value)


def test_circular_list_is_noticed(library, arena):
    tested = arena()
    first, second = tested.allocate(64), tested.allocate(64)
    ctypes.c_size_t.from_address(second - tested.header).value = first - tested.header
    assert not library.heap_is_sound(tested.heap)
