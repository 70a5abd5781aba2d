"""Removes phis: what flows together shares a register where it can, the rest is copied on the ways into a block."""

from __future__ import annotations

from bfimg.bitcode.liveness import interference, live_at_end
from bfimg.bitcode.machine import Constant, Leaf, MachineBlock, MachineFunction, Node
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import ValueType

Copy = tuple[int, Leaf]
_MOVES = {
    ValueType.I32: Op.MOVE_I32,
    ValueType.I64: Op.MOVE_I64,
    ValueType.F32: Op.MOVE_F32,
    ValueType.F64: Op.MOVE_F64,
}


def remove_phis(machine: MachineFunction) -> None:
    """Afterwards the function has no phis, and registers may be written more than once."""
    if not any(block.phis for block in machine.blocks):
        return
    representative = _merged(machine)
    copies = _copies(machine, representative)
    for block in machine.blocks:
        block.phis = []
        for node in block.nodes:
            node.rename(representative)
    predecessors: dict[int, set[int]] = {}
    for number, block in enumerate(machine.blocks):
        for successor in block.successors:
            predecessors.setdefault(successor, set()).add(number)
    for (source, target), moves in copies.items():
        nodes = _in_sequence(machine, moves)
        block = machine.blocks[source]
        if len(block.successors) == 1:
            block.nodes[-1:-1] = nodes
        elif len(predecessors[target]) == 1:
            machine.blocks[target].nodes[0:0] = nodes
        else:
            _split_edge(machine, source, target, nodes)


def _merged(machine: MachineFunction) -> list[int]:
    """For each register the one it shares with the phis it flows into and the sources that flow into it."""
    _, end = live_at_end(machine)
    conflicts = interference(machine, end)
    parent = list(range(len(machine.types)))
    group = [1 << register for register in parent]

    def find(register: int) -> int:
        while parent[register] != register:
            parent[register] = parent[parent[register]]
            register = parent[register]
        return register

    parameters = set(machine.parameters)
    # Copies in the innermost loops cost most: these are removed first.
    for block in sorted(machine.blocks, key=lambda block: -block.depth):
        for phi in block.phis:
            for leaf in phi.sources.values():
                if not isinstance(leaf, int):
                    continue
                first, second = find(phi.result), find(leaf)
                if first == second or conflicts[first] & group[second] or conflicts[second] & group[first]:
                    continue
                if second in parameters:
                    first, second = second, first
                parent[second] = first
                group[first] |= group[second]
                conflicts[first] |= conflicts[second]
    return [find(register) for register in parent]


def _copies(machine: MachineFunction, representative: list[int]) -> dict[tuple[int, int], list[Copy]]:
    """For each way between two blocks what has to be copied, all at once."""
    result: dict[tuple[int, int], list[Copy]] = {}
    for number, block in enumerate(machine.blocks):
        for phi in block.phis:
            target = representative[phi.result]
            for source, leaf in phi.sources.items():
                origin: Leaf = representative[leaf] if isinstance(leaf, int) else leaf
                if origin != target:
                    result.setdefault((source, number), []).append((target, origin))
    return result


def _in_sequence(machine: MachineFunction, copies: list[Copy]) -> list[Node]:
    """Copies that happen at once, one after the other: none overwrites what another still reads."""
    waiting: dict[int, int] = {}
    nodes: list[Node] = []
    constants = []
    for target, leaf in copies:
        if isinstance(leaf, Constant):
            constants.append((target, leaf))
        else:
            waiting[target] = leaf
    while waiting:
        free = [target for target in waiting if target not in waiting.values()]
        if not free:  # only circles are left: open one with a spare register
            target = next(iter(waiting))
            spare = machine.register(machine.types[target])
            nodes.append(_move(machine, spare, target))
            waiting = {to: spare if leaf == target else leaf for to, leaf in waiting.items()}
            continue
        for target in free:
            nodes.append(_move(machine, target, waiting.pop(target)))
    nodes.extend(constant_node(target, leaf) for target, leaf in constants)
    return nodes


def _move(machine: MachineFunction, target: int, source: int) -> Node:
    return Node(_MOVES[machine.types[target]], target, [source])


def constant_node(register: int, leaf: Constant) -> Node:
    """Load a constant."""
    integer = leaf.type in (ValueType.I32, ValueType.I64)
    short = "_16" if integer and -32768 <= leaf.signed <= 32767 else ""
    number = leaf.signed if integer else leaf.bits
    return Node(Op[f"CONST_{leaf.type.name}{short}"], register, immediate=number)


def _split_edge(machine: MachineFunction, source: int, target: int, nodes: list[Node]) -> None:
    number = len(machine.blocks)
    block = machine.blocks[target]
    machine.blocks.append(MachineBlock(block.name, nodes=[*nodes, Node(Op.JUMP, targets=[target])]))
    last = machine.blocks[source].nodes[-1]
    last.targets = [number if other == target else other for other in last.targets]
