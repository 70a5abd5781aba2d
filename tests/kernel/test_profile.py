"""kernel/profile, built for the host with a clock of its own, against a model in Python: every number equal."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.codegen.c_header import c_header
from bfimg.formats.native_module import NativeFunction

MAX_FUNCTIONS, MAX_DEPTH, MAX_NODES, MAX_NAME = 256, 1024, 4096, 127
BEGIN, ENTER, LEAVE = range(3)
SOURCES = ("calibrate.c", "probe.c", "profile.c", "statistics.c")

FORMATS_H = """
#undef BF_MEM_PROFILE_START
extern uint8_t host_memory[];
#define BF_MEM_PROFILE_START ((uintptr_t)host_memory + 4096)
"""
IO_H = """
#pragma once
#include <stdint.h>
uint64_t host_rdtsc(void);
static inline uint64_t rdtsc(void)
{
    return host_rdtsc();
}
"""


class Event(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_uint32), ("offset", ctypes.c_uint32), ("work", ctypes.c_uint64))


class Statistics(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("minimum", ctypes.c_uint64),
        ("maximum", ctypes.c_uint64),
        ("squares", ctypes.c_uint32 * 4),
    )


class FunctionProfile(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("calls", ctypes.c_uint32),
        ("self_cycles", ctypes.c_uint64),
        ("inclusive", Statistics),
    )


class CallNode(ctypes.Structure):
    _fields_ = (
        ("parent", ctypes.c_uint16),
        ("function", ctypes.c_uint16),
        ("calls", ctypes.c_uint32),
        ("self_cycles", ctypes.c_uint64),
    )


class ModuleProfile(ctypes.Structure):
    _fields_ = (
        ("function_count", ctypes.c_uint32),
        ("functions", ctypes.POINTER(FunctionProfile)),
        ("node_count", ctypes.c_uint32),
        ("nodes", ctypes.POINTER(CallNode)),
        ("dropped", ctypes.c_uint32),
    )


@dataclass
class Sums:
    count: int = 0
    total: int = 0
    minimum: int = 0
    maximum: int = 0
    squares: int = 0

    def add(self, value: int) -> None:
        self.minimum = min(value, self.minimum) if self.count else value
        self.maximum = max(value, self.maximum)
        self.count += 1
        self.total += value
        self.squares += value * value


@dataclass
class Function:
    name: str
    calls: int = 0
    self_cycles: int = 0
    inclusive: Sums = field(default_factory=Sums)


@dataclass
class Node:
    parent: int | None
    function: int
    calls: int = 0
    self_cycles: int = 0


@dataclass
class Frame:
    function: int
    node: int | None
    dropped: bool
    own: int = 0
    callees: int = 0


class Model:
    """What the probes must have recorded after the same events."""

    def __init__(self, names: list[str]) -> None:
        self.functions = [Function(name) for name in names]
        self.nodes: list[Node] = []
        self.dropped = 0
        self._stack: list[Frame] = []
        self._untimed = 0

    def play(self, kind: int, function: int, work: int) -> None:
        """`function` beyond the list is one that the module does not name."""
        if kind == BEGIN:
            self._stack.clear()
            self._untimed = 0
        elif function < len(self.functions):
            (self._enter if kind == ENTER else self._leave)(function)
        if self._stack:
            self._stack[-1].own += work

    def _enter(self, function: int) -> None:
        self.functions[function].calls += 1
        if len(self._stack) == MAX_DEPTH:
            self._untimed += 1
            self.dropped += 1
            return
        caller = self._stack[-1] if self._stack else None
        node = self._node(caller, function)
        if node is None:
            self.dropped += 1
            self._stack.append(Frame(function, caller.node if caller else None, dropped=True))
            return
        self.nodes[node].calls += 1
        self._stack.append(Frame(function, node, dropped=False))

    def _node(self, caller: Frame | None, function: int) -> int | None:
        if caller and caller.dropped:
            return None
        key = (caller.node if caller else None, function)
        for index, node in enumerate(self.nodes):
            if (node.parent, node.function) == key:
                return index
        if len(self.nodes) == MAX_NODES:
            return None
        self.nodes.append(Node(*key))
        return len(self.nodes) - 1

    def _leave(self, function: int) -> None:
        if self._untimed:
            self._untimed -= 1
        elif self._stack and self._stack[-1].function == function:
            frame = self._stack.pop()
            self.functions[function].self_cycles += frame.own
            if frame.node is not None:
                self.nodes[frame.node].self_cycles += frame.own
            inclusive = frame.own + frame.callees
            if self._stack:
                self._stack[-1].callees += inclusive
            if all(other.function != function for other in self._stack):
                self.functions[function].inclusive.add(inclusive)

    @property
    def top(self) -> int | None:
        return self._stack[-1].function if self._stack else None


class Profiler:
    """The C sources, and the records as they give them back."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library
        library.profile_finish.restype = ctypes.POINTER(ModuleProfile)
        library.profile_without_probes.argtypes = (ctypes.c_uint64,)
        library.host_fill.argtypes = library.host_margins_are_whole.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
        for function in (
            library.profile_probe_inner,
            library.profile_probe_outer,
            library.profile_without_probes,
            library.host_play,
        ):
            function.restype = ctypes.c_uint64

    def set(self, name: str, value: int) -> None:
        kind = ctypes.c_uint64 if name in ("host_now", "host_step", "host_interrupted") else ctypes.c_uint32
        kind.in_dll(self.library, name).value = value

    def calibrate(self, step: int) -> None:
        self.set("host_now", 1_000_000)
        self.set("host_step", step)
        self.library.profile_init()

    def start(self, names: list[bytes]) -> None:
        """Functions at the offsets 16, 32, 48, ... whose names stand behind their table."""
        size = NativeFunction.SIZE
        text = b"".join(name + b"\0" for name in names)
        table, position = b"", size * len(names)
        for index, name in enumerate(names):
            table += NativeFunction(offset=16 * (index + 1), size=0, name=position).to_bytes()
            position += len(name) + 1
        self._code = ctypes.create_string_buffer(table + text)
        self.library.profile_start(self._code, self._code, len(names))

    def play(self, events: list[tuple[int, int, int]]) -> int:
        """Plays events of kind, function, work; the cycles of the last call."""
        array = (Event * len(events))(*((kind, 16 * (function + 1), work) for kind, function, work in events))
        return int(self.library.host_play(array, len(events)))

    def finish(self) -> Model:
        """The profile, as a model that was told nothing."""
        found = self.library.profile_finish()
        assert found
        profile = found.contents
        model = Model([])
        model.dropped = profile.dropped
        for function in profile.functions[: profile.function_count]:
            copied = Function(function.name.decode(), function.calls, function.self_cycles)
            sums = function.inclusive
            squares = sum(word << 32 * i for i, word in enumerate(sums.squares))
            copied.inclusive = Sums(sums.count, sums.total, sums.minimum, sums.maximum, squares)
            model.functions.append(copied)
        for index, node in enumerate(profile.nodes[: profile.node_count]):
            parent = None if node.parent == index else node.parent
            model.nodes.append(Node(parent, node.function, node.calls, node.self_cycles))
        self.library.profile_release(found)
        return model


@pytest.fixture(scope="module")
def profiler(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Profiler:
    folder = tmp_path_factory.mktemp("profile")
    (folder / "machine").mkdir()
    (folder / "machine" / "io.h").write_text(IO_H)
    (folder / "bf_formats.h").write_text(c_header() + FORMATS_H)
    kernel, driver = repository / "kernel", Path(__file__).with_name("profile_host.c")
    sources = [driver, *(kernel / "profile" / name for name in SOURCES)]
    checks = ("-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fno-sanitize=alignment", "-fsanitize-trap=all")
    path = folder / "profile.so"
    command = ("clang", "-std=c11", *checks, "-O1", "-g", "-shared", "-fPIC", "-I", folder, "-I", kernel)
    subprocess.run([*command, *sources, "-o", path], check=True)
    return Profiler(ctypes.CDLL(str(path)))


def check(profile: Model, model: Model) -> None:
    """Every number of the profile is the model's."""
    assert profile.functions == model.functions
    assert profile.nodes == model.nodes
    assert profile.dropped == model.dropped


def run(profiler: Profiler, names: list[str], events: list[tuple[int, int, int]], step: int) -> Model:
    profiler.calibrate(step)
    profiler.start([name.encode() for name in names])
    profiler.play(events)
    model = Model(names)
    for event in events:
        model.play(*event)
    check(profiler.finish(), model)
    return model


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, int]]]:
    """The number of functions, and what a module of so many did. Some calls are never left, or left twice."""
    count = draw(st.integers(1, 6))
    function, work = st.integers(0, count), st.integers(0, 10_000)  # one function more than the module names
    events = [(BEGIN, 0, draw(work))]
    stack: list[int] = []
    for choice in draw(st.lists(st.integers(0, 99), max_size=60)):
        if choice < 45:
            stack.append(draw(function))
            events.append((ENTER, stack[-1], draw(work)))
        elif choice < 85 and stack:
            events.append((LEAVE, stack.pop(), draw(work)))
        elif choice < 95:
            events.append((LEAVE, draw(function), draw(work)))
        else:
            stack.clear()
            events.append((BEGIN, 0, draw(work)))
    return count, events


@given(histories(), st.integers(0, 200))
def test_every_number_equals_the_model(
    profiler: Profiler, history: tuple[int, list[tuple[int, int, int]]], step: int
) -> None:
    count, events = history
    run(profiler, [f"f{index}" for index in range(count)], events, step)


@given(st.integers(0, 500))
def test_cost_of_a_pair_is_measured(profiler: Profiler, step: int) -> None:
    profiler.calibrate(step)
    assert profiler.library.profile_probe_inner() == step
    assert profiler.library.profile_probe_outer() == step


def test_150_calls_show_150(profiler: Profiler) -> None:
    pair = [(ENTER, 1, 7), (LEAVE, 1, 2)]
    model = run(profiler, ["main", "leaf"], [(BEGIN, 0, 0), (ENTER, 0, 5), *pair * 150, (LEAVE, 0, 0)], 3)
    assert [function.calls for function in model.functions] == [1, 150]
    assert model.functions[0].inclusive.total == 5 + 150 * 9
    assert [(node.parent, node.calls) for node in model.nodes] == [(None, 1), (0, 150)]


def test_a_call_that_is_stopped_counts_without_time(profiler: Profiler) -> None:
    stopped = [(BEGIN, 0, 0), (ENTER, 0, 10), (ENTER, 1, 10)]
    model = run(profiler, ["main", "loop"], [*stopped, *stopped, (LEAVE, 1, 1), (LEAVE, 0, 0)], 1)
    assert [(function.calls, function.inclusive.count) for function in model.functions] == [(2, 1), (2, 1)]


def nested(depth: int) -> Iterator[tuple[int, int, int]]:
    yield (BEGIN, 0, 0)
    yield from ((ENTER, 0, 2) for _ in range(depth))
    yield from ((LEAVE, 0, 3) for _ in range(depth))


@pytest.mark.parametrize("depth", [1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 3 * MAX_DEPTH])
def test_recursion_deeper_than_what_is_timed_is_counted_exactly(profiler: Profiler, depth: int) -> None:
    model = run(profiler, ["deep"], list(nested(depth)), 2)
    assert model.functions[0].calls == depth
    assert (model.functions[0].inclusive.count, model.functions[0].inclusive.total) == (1, depth * 5 - 3)
    assert len(model.nodes) + model.dropped == depth


def test_calls_beyond_the_tree_are_counted_and_their_time_is_their_callers(profiler: Profiler) -> None:
    """65 functions that call 65: more places than the tree holds."""
    events = [(BEGIN, 0, 0)]
    for outer in range(65):
        events.append((ENTER, outer, 1))
        for inner in range(65):
            events += [(ENTER, inner, 5), (ENTER, 0, 2), (LEAVE, 0, 1), (LEAVE, inner, 1)]
        events.append((LEAVE, outer, 0))
    model = run(profiler, [f"f{index}" for index in range(65)], events * 2, 1)
    assert len(model.nodes) == MAX_NODES and model.dropped > 2000


def test_as_many_functions_as_can_be(profiler: Profiler) -> None:
    names = [f"function_{index}" for index in range(MAX_FUNCTIONS)]
    events = [(BEGIN, 0, 0)]
    for index in range(MAX_FUNCTIONS + 1):
        events += [(ENTER, index, index), (LEAVE, index, 0)]
    model = run(profiler, names, events, 4)
    assert [function.inclusive.total for function in model.functions] == list(range(MAX_FUNCTIONS))


def test_long_names_are_cut(profiler: Profiler) -> None:
    profiler.start([b"n" * MAX_NAME, b"m" * 5000, b""])
    profile = profiler.finish()
    assert [function.name for function in profile.functions] == ["n" * MAX_NAME, "m" * MAX_NAME, ""]


@pytest.mark.parametrize("offset", [0, 1, 15, 17, 2**32 - 1, 2**32 - 16])
def test_addresses_that_no_function_starts_at_are_ignored(profiler: Profiler, offset: int) -> None:
    profiler.start([b"only"])
    profiler.library.host_play((Event * 2)(Event(ENTER, offset, 1), Event(LEAVE, offset, 1)), 2)
    profile = profiler.finish()
    assert (profile.functions[0].calls, profile.nodes) == (0, [])


@given(st.lists(st.integers(0, 1), min_size=1, max_size=20), st.integers(1, 5000), st.integers(0, 3))
def test_interrupts_are_left_out(profiler: Profiler, path: list[int], length: int, bursts: int) -> None:
    """Interrupts come between and in the middle of readings of the clock."""
    profiler.calibrate(0)
    profiler.start([b"a", b"b"])
    model = Model(["a", "b"])
    events = [(BEGIN, 0, 0), *((ENTER, function, 3) for function in path)]
    events += [(LEAVE, function, 4) for function in reversed(path)]
    for event in events:
        profiler.set("host_interrupt", length)
        profiler.set("host_bursts", bursts)
        profiler.play([event])
        model.play(*event)
    profiler.set("host_bursts", 0)
    check(profiler.finish(), model)


@given(histories(), st.integers(0, 100))
def test_the_cycles_of_a_module_are_those_without_probes(
    profiler: Profiler, history: tuple[int, list[tuple[int, int, int]]], step: int
) -> None:
    count, events = history
    profiler.calibrate(step)
    profiler.start([b"f"] * count)
    cycles = profiler.play(events)
    last = max(index for index, event in enumerate(events) if event[0] == BEGIN)
    work = sum(event[2] for event in events[last:])
    assert profiler.library.profile_without_probes(cycles) == work + step  # the clock's own reading
    assert profiler.library.profile_without_probes(0) == 0
    profiler.finish()


def test_without_a_profile_the_probes_do_nothing(profiler: Profiler) -> None:
    profiler.library.host_fill(b"\x5a", 1)
    profiler.play(list(nested(3)))
    assert profiler.library.host_margins_are_whole(b"\x5a", 1)
    assert not profiler.library.profile_finish()
    assert profiler.library.profile_without_probes(77) == 77


def test_no_room_and_too_many_functions_give_no_profile(profiler: Profiler) -> None:
    profiler.start([b"f"] * (MAX_FUNCTIONS + 1))
    assert not profiler.library.profile_finish()
    try:
        profiler.set("host_heap_full", 1)
        profiler.start([b"f"])
        assert not profiler.library.profile_finish()
        profiler.calibrate(1)
        profiler.set("host_heap_full", 0)
        profiler.start([b"f"])
        profiler.set("host_heap_full", 1)
        assert not profiler.library.profile_finish()
    finally:
        profiler.set("host_heap_full", 0)
    assert not profiler.library.profile_finish()


@given(st.binary(min_size=1, max_size=64), st.integers(0, MAX_DEPTH), st.integers(0, MAX_NODES + 9), histories())
def test_damaged_records_are_survived(
    profiler: Profiler, junk: bytes, depth: int, nodes: int, history: tuple[int, list[tuple[int, int, int]]]
) -> None:
    """The module writes over its records: the probes write nowhere else, and what comes back can be walked."""
    count, events = history
    profiler.start([b"f"] * count)
    profiler.library.host_fill(junk, len(junk))
    profiler.library.host_set_counts(depth, nodes)
    profiler.play([event for event in events if event[0] != BEGIN])
    assert profiler.library.host_margins_are_whole(junk, len(junk))
    profile = profiler.finish()
    assert len(profile.functions) == count
    for index, node in enumerate(profile.nodes):
        assert (node.parent is None or node.parent < index) and node.function < count
