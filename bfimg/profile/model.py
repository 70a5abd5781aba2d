"""A profile as objects. Cycles are of the processor's time stamp counter, without those of probes and interrupts."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the cycles of `count` calls, all 0 without any. variance: population variance, rounded down; None when it
    exceeds 64 bits."""

    count: int
    total: int
    minimum: int
    maximum: int
    average: int
    variance: int | None

    @property
    def deviation(self) -> int | None:
        """Standard deviation, rounded down."""
        return None if self.variance is None else math.isqrt(self.variance)


@dataclass(frozen=True, slots=True)
class FunctionProfile:
    """calls: each one. self_cycles: without the functions it calls. inclusive: with them; of the calls that ended and
    were not below a call of the same function."""

    name: str
    calls: int
    self_cycles: int
    inclusive: Statistics


@dataclass(frozen=True, slots=True)
class CallNode:
    """A place in the tree of calls. parent: index of a node before this one, None for a root. function: index."""

    parent: int | None
    function: int
    calls: int
    self_cycles: int


@dataclass(frozen=True, slots=True)
class CallEdge:
    """How often one function called another."""

    caller: str
    callee: str
    calls: int


@dataclass(frozen=True, slots=True)
class ModuleProfile:
    """A module. functions, nodes and edges are empty unless it was instrumented.

    file: its path on the volume, empty when it comes from none. size: the n it was called with. code_bytes: machine
    code. cycles: of its calls that ended. nodes: a parent stands before its children. dropped_calls: calls that found
    no room among the nodes; their cycles are with their caller's.
    """

    name: str
    file: str
    source: str
    kind: str
    status: str
    size: int | None
    code_bytes: int
    calls: int
    cycles: Statistics
    functions: tuple[FunctionProfile, ...]
    nodes: tuple[CallNode, ...]
    edges: tuple[CallEdge, ...]
    dropped_calls: int

    @property
    def self_total(self) -> int:
        """Cycles of all functions together; of the calls when it was not instrumented."""
        return sum(function.self_cycles for function in self.functions) if self.functions else self.cycles.total

    def hottest(self) -> list[FunctionProfile]:
        """Functions, those with the most cycles of their own first."""
        return sorted(self.functions, key=lambda function: (-function.self_cycles, function.name))


@dataclass(frozen=True, slots=True)
class Profile:
    """An export. build_id: of the kernel. probe_inner, probe_outer: cycles of a pair of probes, already subtracted."""

    build_id: str
    modules: tuple[ModuleProfile, ...]
    probe_inner: int
    probe_outer: int
