"""Gives each virtual register one of the function's numbered registers, or a place in the frame when they run out.

Each gets a number of its own: the kernel's compiler decides for a whole number where it lives. When there are too many,
those of the same loop share, then all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from bfimg.bitcode.flow import Flow, analyse
from bfimg.bitcode.liveness import MOVES, interference, live_at_end, members
from bfimg.bitcode.machine import Address, MachineFunction, Node
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import MAX_REGISTERS
from bfimg.formats.pattern_types import ValueType

# So many numbers leave room for what the kernel's compiler adds when it unrolls loops.
_MANY_REGISTERS = 160
_ALL_LOOPS = -2
_TYPES = (ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64)


class _Sharing(Enum):
    """Who may share a number."""

    NOBODY = auto()
    SAME_LOOP = auto()
    ALL = auto()


@dataclass(slots=True)
class _Shared:
    """A numbered register: who shares it, and what they conflict with."""

    group: int = 0
    conflicts: int = 0
    members: list[int] = field(default_factory=list)


def assign_registers(machine: MachineFunction) -> dict[ValueType, int]:
    """Number the registers by type, parameters first; how many of each type there are.

    Moves from a register to itself are removed.
    """
    spilled: set[int] = set()
    while True:
        flow = analyse([block.successors for block in machine.blocks])
        shared = _share(machine, flow, _Sharing.NOBODY)
        if sum(map(len, shared.values())) > _MANY_REGISTERS:
            shared = _share(machine, flow, _Sharing.SAME_LOOP)
        if sum(map(len, shared.values())) > MAX_REGISTERS:
            shared = _share(machine, flow, _Sharing.ALL)
        excess = sum(map(len, shared.values())) - MAX_REGISTERS
        if excess <= 0:
            break
        _spill(machine, flow, spilled, excess)
    numbers = [0] * len(machine.types)
    following = 0
    for type in _TYPES:
        for place in shared[type]:
            for register in place.members:
                numbers[register] = following
            following += 1
    for block in machine.blocks:
        for node in block.nodes:
            node.rename(numbers)
        block.nodes = [node for node in block.nodes if node.op not in MOVES or node.result != node.reads[0]]
    machine.parameters = [numbers[parameter] for parameter in machine.parameters]
    return {type: len(shared[type]) for type in _TYPES}


def _share(machine: MachineFunction, flow: Flow, sharing: _Sharing) -> dict[ValueType, list[_Shared]]:
    begin, end = live_at_end(machine)
    conflicts = interference(machine, end)
    regions = _regions(machine, flow, begin, end) if sharing is _Sharing.SAME_LOOP else {}
    shared: dict[ValueType, list[_Shared]] = {type: [] for type in _TYPES}
    by_region: dict[tuple[ValueType, int], list[_Shared]] = {}
    order = list(machine.parameters)
    seen = set(order)
    for number in flow.order:
        for node in machine.blocks[number].nodes:
            for register in (*node.all_reads, node.result):
                if register >= 0 and register not in seen:
                    seen.add(register)
                    order.append(register)
    for place, register in enumerate(order):
        region = regions.get(register, -1) if sharing is _Sharing.SAME_LOOP else _ALL_LOOPS
        choices = by_region.setdefault((machine.types[register], region), [])
        bit, against = 1 << register, conflicts[register]
        fitting = None
        if place >= len(machine.parameters) and sharing is not _Sharing.NOBODY:
            for choice in choices:
                if not choice.group & against and not choice.conflicts & bit:
                    fitting = choice
                    break
        if fitting is None:
            fitting = _Shared()
            choices.append(fitting)
            shared[machine.types[register]].append(fitting)
        fitting.group |= bit
        fitting.conflicts |= against
        fitting.members.append(register)
    return shared


def _regions(machine: MachineFunction, flow: Flow, begin: list[int], end: list[int]) -> dict[int, int]:
    """For each register the innermost loop that contains all of its life."""
    result: dict[int, int] = dict.fromkeys(machine.parameters, -1)
    for number in flow.order:
        alive = begin[number] | end[number]
        for node in machine.blocks[number].nodes:
            if node.result >= 0:
                alive |= 1 << node.result
        loop = flow.loop[number]
        for register in members(alive):
            known = result.get(register)
            if known is None:
                result[register] = loop
            elif known != loop:
                result[register] = flow.common_loop(known, loop)
    return result


def _spill(machine: MachineFunction, flow: Flow, spilled: set[int], excess: int) -> None:
    """Move registers to the frame: first those that are seldom used and in the way of many others."""
    _, end = live_at_end(machine)
    conflicts = interference(machine, end)
    cost: dict[int, int] = {}
    for number in flow.order:
        weight = 8 ** min(flow.depth[number], 6)
        for node in machine.blocks[number].nodes:
            for register in (*node.all_reads, node.result):
                cost[register] = cost.get(register, 0) + weight
    candidates = [register for register in cost if register >= 0 and register not in spilled]
    free = [register for register in candidates if register not in machine.parameters]
    chosen = sorted(free, key=lambda register: cost[register] / (1 + conflicts[register].bit_count()))[: excess + 16]
    base = _frame_register(machine)
    spilled |= {*chosen, base}
    slots: dict[int, int] = {}
    for register in chosen:
        machine.frame = -(-machine.frame // 8) * 8
        slots[register] = machine.frame
        machine.frame += 8
    for block in machine.blocks:
        nodes: list[Node] = []
        for node in block.nodes:
            nodes.extend(_through_memory(machine, node, slots, base, spilled))
        block.nodes = nodes


def _frame_register(machine: MachineFunction) -> int:
    """The register with the frame's address; made at the entry when there is none."""
    for node in machine.blocks[0].nodes:
        if node.op is Op.FRAME and node.immediate == 0:
            return node.result
    register = machine.register(ValueType.I32)
    machine.blocks[0].nodes.insert(0, Node(Op.FRAME, register))
    return register


def _through_memory(
    machine: MachineFunction, node: Node, slots: dict[int, int], base: int, spilled: set[int]
) -> list[Node]:
    """The operation with a load before it for each spilled register it reads, and a store behind its result."""
    before: list[Node] = []
    names: dict[int, int] = {}
    for register in node.all_reads:
        if register in slots and register not in names:
            names[register] = fresh = machine.register(machine.types[register])
            spilled.add(fresh)
            op = Op[f"LOAD_{machine.types[register].name}_AT"]
            before.append(Node(op, fresh, address=Address(base, displacement=slots[register])))
    after: list[Node] = []
    if node.result in slots:
        type = machine.types[node.result]
        fresh = machine.register(type)
        spilled.add(fresh)
        address = Address(base, displacement=slots[node.result])
        after.append(Node(Op[f"STORE_{type.name}_AT"], reads=[fresh], address=address))
        node.result = fresh
    node.reads = [names.get(register, register) for register in node.reads]
    at = node.address
    if at is not None and names:
        base_part = None if at.base is None else names.get(at.base, at.base)
        index_part = None if at.index is None else names.get(at.index, at.index)
        node.address = Address(base_part, index_part, at.scale, at.displacement)
    return [*before, node, *after]
