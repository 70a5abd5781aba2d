"""Removes operations whose result nobody reads."""

from __future__ import annotations

from bfimg.bitcode.machine import MachineFunction, Node
from bfimg.formats.pattern_ops import Op

_MAY_TRAP = ("DIV_U32", "DIV_S32", "REM_U32", "REM_S32")
PURE = frozenset(
    op for op in Op if (op.expression is not None or op in (Op.ADDRESS, Op.FRAME)) and op.name not in _MAY_TRAP
)


def remove_dead(machine: MachineFunction) -> None:
    """Remove them, and what only they read. Phis that feed nothing but each other go too."""
    definitions: dict[int, Node] = {}
    phis = {phi.result: phi for block in machine.blocks for phi in block.phis}
    needed: set[int] = set()
    work: list[int] = []
    for block in machine.blocks:
        for node in block.nodes:
            if node.op in PURE:
                definitions[node.result] = node
            else:
                work.extend(node.all_reads)
    while work:
        register = work.pop()
        if register in needed:
            continue
        needed.add(register)
        if register in definitions:
            work.extend(definitions[register].all_reads)
        elif register in phis:
            work.extend(leaf for leaf in phis[register].sources.values() if isinstance(leaf, int))
    for block in machine.blocks:
        block.nodes = [node for node in block.nodes if node.op not in PURE or node.result in needed]
        block.phis = [phi for phi in block.phis if phi.result in needed]
