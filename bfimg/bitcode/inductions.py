"""Lets values that go round a loop stay in one register.

A phi and its next value, such as i and i + 1, can share a register when nobody needs the old one any more where the new
one is made. So the new one is made late, on the way back itself when only the phi wants it; and what reads one of the
two may be made to read the other: accesses to memory have a displacement, and i == n is as good as i + 1 == n + 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bfimg.bitcode.dead import PURE
from bfimg.bitcode.flow import Flow, analyse
from bfimg.bitcode.forms import SIGNED8, addition, displaced
from bfimg.bitcode.machine import MachineBlock, MachineFunction, Node, Phi
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, ValueType

_SUMS = (Op.ADD_I32_IMM8, Op.ADD_I32_IMM32)
_BRANCHES = (Op.BRANCH_I32, Op.BRANCH_I32_IMM8, Op.BRANCH_I32_IMM32)


@dataclass(slots=True, eq=False)
class _Use:
    """An operation that reads a register; or, without one, phis of `target` on the way there from the block."""

    block: int
    node: Node | None = None
    target: int = -1


@dataclass(slots=True)
class _Step:
    """A phi's next value, which `node` makes in `block`, and the block that leads back to the phi's."""

    phi: Phi
    header: int
    latch: int
    node: Node
    block: int


@dataclass(frozen=True, slots=True)
class _Place:
    """In front of the operation with this number."""

    block: int
    index: int


def shorten_lives(machine: MachineFunction) -> None:
    """Make next values late where they can share the phi's register then. Every register is still written once."""
    flow = analyse([block.successors for block in machine.blocks])
    _Shortener(machine, flow).run()


@dataclass(slots=True)
class _Shortener:
    """homes: the block where a register is written."""

    machine: MachineFunction
    flow: Flow
    homes: dict[int, int] = field(default_factory=dict)
    uses: dict[int, list[_Use]] = field(default_factory=dict)

    def run(self) -> None:
        self._survey()
        left = {step.node.result: step for step in self._steps() if not self._make_late(step)}
        for step in left.values():
            if self._is_for_way_back(step):
                self._move_to_way_back(step)

    def _survey(self) -> None:
        self.homes.update(dict.fromkeys(self.machine.parameters, 0))
        for number, block in enumerate(self.machine.blocks):
            for phi in block.phis:
                self.homes[phi.result] = number
                for source, leaf in phi.sources.items():
                    if isinstance(leaf, int):
                        self.uses.setdefault(leaf, []).append(_Use(source, target=number))
            for node in block.nodes:
                self.homes[node.result] = number
                for register in set(node.all_reads):
                    self.uses.setdefault(register, []).append(_Use(number, node))

    def _steps(self) -> Iterator[_Step]:
        """Next values that are made from the phi, in the same inner loop as the way back."""
        flow, blocks = self.flow, self.machine.blocks
        made = {node.result: node for number in flow.order for node in blocks[number].nodes}
        for header in flow.order:
            for phi in blocks[header].phis if flow.loop[header] == header else ():
                for latch, leaf in phi.sources.items():
                    node = made.get(leaf) if isinstance(leaf, int) else None
                    if node is None or node.op not in PURE or phi.result not in node.all_reads:
                        continue
                    block = self.homes[node.result]
                    if flow.loop[block] == flow.loop[latch] and self._is_inside(latch, header):
                        yield _Step(phi, header, latch, node, block)

    def _is_inside(self, block: int, header: int) -> bool:
        return self.flow.common_loop(self.flow.loop[block], header) == header

    def _make_late(self, step: _Step) -> bool:
        """Move the operation to where the phi is over, within its loop; False when there is no such place."""
        new = self.uses[step.node.result]
        old = [use for use in self.uses[step.phi.result] if use.node is not step.node]
        if self._is_over(old, step, _Place(step.block, self._index(step.block, step.node))):
            return True
        accesses = [use for use in new if self._is_displaced(step, use)]
        branches = [use for use in old if self._is_exchanged(step, use)]
        for some_accesses in ([], accesses):
            for some_branches in ([], branches):
                new_then = [use for use in new if use not in some_accesses] + some_branches
                old_then = [use for use in old if use not in some_branches] + some_accesses
                place = self._late_place(new_then, step)
                behind = [use for use in old_then if not self._is_over([use], step, place)]
                exits = self._exits(step, place, behind)
                if exits is not None:
                    for use in some_accesses:
                        self._displace(step, use)
                    for use in some_branches:
                        self._exchange(step, use)
                    self._sink(step, place)
                    self._go_back(step, exits)
                    return True
        return False

    def _is_for_way_back(self, step: _Step) -> bool:
        """True when all that wants the value is on the way back, where nothing wants the phi any more."""
        new, old = self.uses[step.node.result], self.uses[step.phi.result]
        on_way_back = all(use.block == step.latch and use.target == step.header for use in new)
        needed = any(use.block == step.latch and use.target == step.header for use in old)
        return on_way_back and not needed and len(self.machine.blocks[step.latch].successors) > 1

    # Where.

    def _index(self, block: int, node: Node) -> int:
        return next(index for index, other in enumerate(self.machine.blocks[block].nodes) if other is node)

    def _late_place(self, uses: list[_Use], step: _Step) -> _Place:
        """The last place in front of all uses in the loop where the value is made now."""
        flow, block = self.flow, uses[0].block
        for use in uses[1:]:
            block = flow.common_dominator(block, use.block)
        while flow.loop[block] != flow.loop[step.block]:
            block = flow.dominator[block]
        indices = [self._index(block, use.node) for use in uses if use.block == block and use.node is not None]
        return _Place(block, min([*indices, len(self.machine.blocks[block].nodes) - 1]))

    def _is_over(self, uses: list[_Use], step: _Step, place: _Place) -> bool:
        """True when none of the uses comes behind the place before the phi gets its next value."""
        behind = self._reached(place.block, step.header)
        return not any(
            use.block in behind
            or (use.block == place.block and (use.node is None or self._index(use.block, use.node) >= place.index))
            for use in uses
        )

    def _reached(self, block: int, header: int) -> set[int]:
        """Blocks that can come behind a block, and not behind the header again."""
        seen: set[int] = set()
        work = [other for other in self.machine.blocks[block].successors if other != header]
        while work:
            number = work.pop()
            if number not in seen:
                seen.add(number)
                work.extend(other for other in self.machine.blocks[number].successors if other != header)
        return seen

    # Reading the other one.

    def _is_displaced(self, step: _Step, use: _Use) -> bool:
        """True when an access can use the phi with another displacement instead of its next value."""
        return (
            step.node.op in _SUMS
            and use.node is not None
            and self._is_inside(use.block, step.header)
            and displaced(use.node, step.node.result, step.phi.result, step.node.immediate) is not None
        )

    def _displace(self, step: _Step, use: _Use) -> None:
        assert use.node is not None
        other = displaced(use.node, step.node.result, step.phi.result, step.node.immediate)
        assert other is not None
        use.node.op, use.node.reads = other.op, other.reads
        use.node.immediate, use.node.address = other.immediate, other.address
        self._change(use, step.node.result, step.phi.result)

    def _change(self, use: _Use, old: int, new: int) -> None:
        self.uses[old].remove(use)
        self.uses[new].append(use)

    def _is_exchanged(self, step: _Step, use: _Use) -> bool:
        """True when a branch that compares the phi can compare its next value instead."""
        node = use.node
        if node is None or step.node.op not in _SUMS or node.op not in _BRANCHES:
            return False
        if node.condition not in (Condition.EQ, Condition.NE) or not self._is_inside(use.block, step.header):
            return False
        if self.flow.common_dominator(step.block, use.block) != step.block:
            return False
        others = [register for register in node.reads if register != step.phi.result]
        outside = [block for block in self.flow.predecessors[step.header] if not self._is_inside(block, step.header)]
        return node.op is not Op.BRANCH_I32 or (
            len(others) == len(outside) == 1 and not self._is_inside(self.homes[others[0]], step.header)
        )

    def _exchange(self, step: _Step, use: _Use) -> None:
        node, phi, next_value = use.node, step.phi.result, step.node.result
        assert node is not None
        if node.op is Op.BRANCH_I32:
            (bound,) = (register for register in node.reads if register != phi)
            node.reads = [next_value, self._moved_bound(step, bound)]
        else:
            number = (node.immediate + step.node.immediate + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
            node.reads, node.immediate = [next_value], number
            node.op = Op.BRANCH_I32_IMM8 if number in SIGNED8 else Op.BRANCH_I32_IMM32
        self._change(use, phi, next_value)

    def _moved_bound(self, step: _Step, bound: int) -> int:
        """The register that is as far from the bound as the next value is from the phi, made in front of the loop."""
        (block,) = (block for block in self.flow.predecessors[step.header] if not self._is_inside(block, step.header))
        node = addition(self.machine.register(ValueType.I32), bound, step.node.immediate)
        self.machine.blocks[block].nodes.insert(-1, node)
        self.homes[node.result] = block
        self.uses[node.result] = []
        self.uses[bound].append(_Use(block, node))
        return node.result

    # Behind the loop, where the old value is the new one less the distance.

    def _exits(self, step: _Step, place: _Place, behind: list[_Use]) -> dict[int, list[_Use]] | None:
        """Uses by the block behind the loop that all ways to them lead through; None when one has none such."""
        if behind and step.node.op not in _SUMS:
            return None
        flow, result = self.flow, dict[int, list[_Use]]()
        for use in behind:
            block = use.block
            if self._is_inside(block, step.header):
                return None
            while not self._is_inside(flow.dominator[block], step.header):
                block = flow.dominator[block]
            before = flow.predecessors[block]
            if before != [flow.dominator[block]] or flow.common_dominator(place.block, before[0]) != place.block:
                return None
            result.setdefault(block, []).append(use)
        return result

    def _go_back(self, step: _Step, exits: dict[int, list[_Use]]) -> None:
        for block, uses in exits.items():
            old = self.machine.register(ValueType.I32)
            node = addition(old, step.node.result, -step.node.immediate)
            self.machine.blocks[block].nodes.insert(0, node)
            self.homes[old], self.uses[old] = block, []
            self.uses[step.node.result].append(_Use(block, node))
            for use in uses:
                self._read(use, step.phi.result, old)

    def _read(self, use: _Use, register: int, other: int) -> None:
        """Let it read the other one."""
        if use.node is None:
            for phi in self.machine.blocks[use.target].phis:
                if phi.sources.get(use.block) == register:
                    phi.sources[use.block] = other
        else:
            result, names = use.node.result, list(range(len(self.machine.types)))
            names[register] = other
            use.node.rename(names)
            use.node.result = result
        self._change(use, register, other)

    # Moving.

    def _sink(self, step: _Step, place: _Place) -> None:
        nodes, index = self.machine.blocks[step.block].nodes, self._index(step.block, step.node)
        at = place.index - (step.block == place.block and index < place.index)
        del nodes[index]
        self.machine.blocks[place.block].nodes.insert(at, step.node)
        for register in set(step.node.all_reads):
            for use in self.uses[register]:
                if use.node is step.node:
                    use.block = place.block
        self.homes[step.node.result] = place.block

    def _move_to_way_back(self, step: _Step) -> None:
        """The way from latch to header gets a block of its own, unless it has one already."""
        blocks = self.machine.blocks
        number = next(block for block, leaf in step.phi.sources.items() if leaf == step.node.result)
        if number == step.latch:
            number = len(blocks)
            jump = Node(Op.JUMP, targets=[step.header])
            blocks.append(MachineBlock(blocks[step.latch].name, nodes=[jump], depth=blocks[step.latch].depth))
            last = blocks[step.latch].nodes[-1]
            last.targets = [number if target == step.header else target for target in last.targets]
            for phi in blocks[step.header].phis:
                phi.sources[number] = phi.sources.pop(step.latch)
        blocks[self.homes[step.node.result]].nodes.remove(step.node)
        blocks[number].nodes.insert(-1, step.node)
