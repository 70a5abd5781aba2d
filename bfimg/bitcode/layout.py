"""Final order of a function's blocks: each loop in one piece, no block that only jumps, no copy made on both ways."""

from __future__ import annotations

from itertools import takewhile

from bfimg.bitcode.flow import analyse
from bfimg.bitcode.liveness import MOVES
from bfimg.bitcode.machine import MachineFunction, Node
from bfimg.formats.pattern_ops import Op


def arrange_blocks(machine: MachineFunction) -> None:
    """Skip blocks that only jump, join a block with the only one it leads to, drop what is not reached, order the
    rest and note how deep in loops each stands."""
    blocks = machine.blocks
    _join_beginnings(machine)
    for block in blocks:
        last = block.nodes[-1]
        last.targets = [_destination(machine, target) for target in last.targets]
        if last.op is not Op.SWITCH and len(last.targets) == 2 and last.targets[0] == last.targets[1]:
            last.op, last.reads, last.immediate, last.condition = Op.JUMP, [], 0, None
            del last.targets[1]
    _join(machine)
    flow = analyse([block.successors for block in blocks])
    numbers = {old: new for new, old in enumerate(flow.order)}
    for old in flow.order:
        block = blocks[old]
        block.depth = flow.depth[old]
        block.nodes[-1].targets = [numbers[target] for target in block.nodes[-1].targets]
    machine.blocks = [blocks[old] for old in flow.order]


def _join_beginnings(machine: MachineFunction) -> None:
    """Copies with which all blocks behind a branch begin are made before it, when nobody else gets there."""
    flow = analyse([block.successors for block in machine.blocks])
    for number in reversed(flow.order):
        block = machine.blocks[number]
        if len(block.successors) < 2 or any(flow.predecessors[after] != [number] for after in block.successors):
            continue
        first, *rest = (machine.blocks[after].nodes for after in block.successors)
        for node in [*takewhile(_is_copy, first)]:
            if node.result not in block.nodes[-1].all_reads and all(
                _can_be_first(nodes, node) for nodes in (first, *rest)
            ):
                block.nodes.insert(-1, node)
                for nodes in (first, *rest):
                    nodes.remove(node)


def _is_copy(node: Node) -> bool:
    return node.op in MOVES or node.op.name.startswith("CONST")


def _can_be_first(nodes: list[Node], node: Node) -> bool:
    """True when it is among the copies at the beginning, and none before it has to do with it."""
    before = [*takewhile(lambda other: _is_copy(other) and other != node, nodes)]
    return nodes[len(before)] == node and not any(
        other.result in (node.result, *node.reads) or node.result in other.reads for other in before
    )


def _destination(machine: MachineFunction, target: int) -> int:
    """Where a way into the block ends after blocks that only jump."""
    seen = set()
    while len(machine.blocks[target].nodes) == 1 and machine.blocks[target].nodes[0].op is Op.JUMP:
        if target in seen:
            return target
        seen.add(target)
        target = machine.blocks[target].nodes[0].targets[0]
    return target


def _join(machine: MachineFunction) -> None:
    flow = analyse([block.successors for block in machine.blocks])
    for number in flow.order:
        block = machine.blocks[number]
        while block.nodes and block.nodes[-1].op is Op.JUMP:
            target = block.nodes[-1].targets[0]
            if target == number or target == 0 or flow.predecessors[target] != [number]:
                break
            after = machine.blocks[target].successors
            block.nodes[-1:] = machine.blocks[target].nodes
            machine.blocks[target].nodes = [block.nodes[-1]]
            for successor in after:
                flow.predecessors[successor] = [number if p == target else p for p in flow.predecessors[successor]]
