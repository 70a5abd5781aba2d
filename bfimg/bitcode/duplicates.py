"""Removes operations that compute again what is known on every way to them."""

from __future__ import annotations

from bfimg.bitcode.dead import PURE
from bfimg.bitcode.flow import analyse
from bfimg.bitcode.machine import MachineBlock, MachineFunction, Node
from bfimg.formats.pattern_ops import Op

Value = tuple[object, ...]
_COMMUTATIVE = frozenset(Op[f"{kind}_I{bits}"] for kind in ("ADD", "AND", "OR", "XOR", "MUL") for bits in (32, 64))
# A constant costs less than a register that is taken for longer.
_SHARED = PURE - {op for op in Op if op.name.startswith("CONST")}


def remove_duplicates(machine: MachineFunction) -> None:
    """Every register is still written once; what read the second result reads the first."""
    flow = analyse([block.successors for block in machine.blocks])
    below: dict[int, list[int]] = {number: [] for number in flow.order}
    for number in flow.order[1:]:
        below[flow.dominator[number]].append(number)
    names = list(range(len(machine.types)))
    known: dict[Value, int] = {}
    work: list[tuple[int, list[Value]]] = [(0, [])]
    while work:
        number, leaving = work.pop()
        if number < 0:
            for value in leaving:
                del known[value]
            continue
        work.append((-1, _number_values(machine.blocks[number], known, names)))
        work.extend((other, []) for other in below[number])
    for block in machine.blocks:
        for phi in block.phis:
            phi.sources = {b: names[leaf] if isinstance(leaf, int) else leaf for b, leaf in phi.sources.items()}


def _number_values(block: MachineBlock, known: dict[Value, int], names: list[int]) -> list[Value]:
    """Remove what is known already; what is known from here on."""
    kept, new = [], []
    for node in block.nodes:
        node.rename(names)
        value = _value(node)
        if node.op in _SHARED and value in known:
            names[node.result] = known[value]
            continue
        kept.append(node)
        if node.op in _SHARED:
            known[value] = node.result
            new.append(value)
    block.nodes = kept
    return new


def _value(node: Node) -> Value:
    reads = sorted(node.reads) if node.op in _COMMUTATIVE else node.reads
    return node.op, tuple(reads), node.immediate, node.condition, node.address
