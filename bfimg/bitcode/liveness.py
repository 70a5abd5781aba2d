"""Which registers are still needed where, and which cannot share one. Sets of registers are the bits of an int."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.bitcode.machine import MachineFunction
from bfimg.formats.pattern_ops import Op

MOVES = frozenset((Op.MOVE_I32, Op.MOVE_I64, Op.MOVE_F32, Op.MOVE_F64))


def members(mask: int) -> Iterator[int]:
    """The registers of a set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def live_at_end(machine: MachineFunction) -> tuple[list[int], list[int]]:
    """For each block the registers needed at its beginning, phis not counted, and behind its end."""
    blocks = machine.blocks
    read_first, written = [0] * len(blocks), [0] * len(blocks)
    begin, end = [0] * len(blocks), [0] * len(blocks)
    predecessors: list[list[int]] = [[] for _ in blocks]
    for number, block in enumerate(blocks):
        reads = writes = 0
        for phi in block.phis:
            writes |= 1 << phi.result
            for source, leaf in phi.sources.items():
                if isinstance(leaf, int):
                    end[source] |= 1 << leaf
        for node in block.nodes:
            for register in node.all_reads:
                reads |= 1 << register & ~writes
            if node.result >= 0:
                writes |= 1 << node.result
        read_first[number], written[number] = reads, writes
        for successor in block.successors:
            predecessors[successor].append(number)
    work = list(range(len(blocks)))
    waiting = set(work)
    while work:
        number = work.pop()
        waiting.discard(number)
        needed = read_first[number] | end[number] & ~written[number]
        if needed == begin[number]:
            continue
        begin[number] = needed
        for before in predecessors[number]:
            if needed & ~end[before]:
                end[before] |= needed
                if before not in waiting:
                    waiting.add(before)
                    work.append(before)
    return begin, end


def interference(machine: MachineFunction, end: list[int]) -> list[int]:
    """For each register those that are needed, or written at once, where it is written.

    Two registers can be one when neither is in the other's set.
    """
    result = [0] * len(machine.types)
    for number, block in enumerate(machine.blocks):
        live = end[number]
        for node in reversed(block.nodes):
            if node.result >= 0:
                bit = 1 << node.result
                live &= ~bit
                # A copy may share the register of what it copies.
                result[node.result] |= live & ~(1 << node.reads[0]) if node.op in MOVES else live
            for register in node.all_reads:
                live |= 1 << register
        at_once = 0
        for phi in block.phis:
            at_once |= 1 << phi.result
        if number == 0:
            for parameter in machine.parameters:
                at_once |= 1 << parameter
        for register in members(at_once):
            result[register] |= (live | at_once) & ~(1 << register)
    return result
