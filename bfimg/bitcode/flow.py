"""Order of blocks, dominators and loops of a control-flow graph. Blocks are numbers; 0 is the entry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flow:
    """What follows from the successors of each block.

    order: reachable blocks, each loop in one piece, before what follows it. loop: header of the innermost loop a
    block stands in, -1 outside. outer: for the header of a loop, the header of the loop around it, -1 for none.
    depth: loops it stands in. predecessors: reachable ones, each once. dominator: the nearest other block through which
    every way to a block leads; of the entry itself.
    """

    order: list[int]
    loop: list[int]
    outer: dict[int, int]
    depth: list[int]
    predecessors: list[list[int]]
    dominator: list[int]

    def common_dominator(self, first: int, second: int) -> int:
        """The nearest block through which every way to both blocks leads."""
        above = {first}
        while first != self.dominator[first]:
            first = self.dominator[first]
            above.add(first)
        while second not in above:
            second = self.dominator[second]
        return second

    def common_loop(self, first: int, second: int) -> int:
        """The innermost loop that contains both loops, each given by its header."""
        around = set()
        while first >= 0:
            around.add(first)
            first = self.outer[first]
        while second >= 0 and second not in around:
            second = self.outer[second]
        return second


def analyse(successors: list[list[int]]) -> Flow:
    """Order and loops of the graph. A cycle that can be entered in two places counts as no loop."""
    count = len(successors)
    order = _reverse_postorder(successors)
    predecessors: list[list[int]] = [[] for _ in range(count)]
    for block in order:
        for successor in dict.fromkeys(successors[block]):
            predecessors[successor].append(block)
    dominator = _dominators(order, predecessors, count)
    loop, depth = [-1] * count, [0] * count
    outer: dict[int, int] = {}
    bodies = _loop_bodies(order, successors, predecessors, dominator)
    for header in sorted(bodies, key=lambda header: len(bodies[header]), reverse=True):
        outer[header] = loop[header]
        for block in bodies[header]:
            loop[block] = header
            depth[block] += 1
    # Visited first means placed last: what leaves more loops comes behind the loop.
    inner_last = [sorted(after, key=lambda block: depth[block]) if len(after) > 1 else after for after in successors]
    return Flow(_reverse_postorder(inner_last), loop, outer, depth, predecessors, dominator)


def _reverse_postorder(successors: list[list[int]]) -> list[int]:
    """Reachable blocks, each before its successors where no cycle forbids that."""
    seen = [False] * len(successors)
    seen[0] = True
    finished: list[int] = []
    stack = [(0, iter(successors[0]))]
    while stack:
        block, rest = stack[-1]
        for successor in rest:
            if not seen[successor]:
                seen[successor] = True
                stack.append((successor, iter(successors[successor])))
                break
        else:
            finished.append(block)
            stack.pop()
    return finished[::-1]


def _dominators(order: list[int], predecessors: list[list[int]], count: int) -> list[int]:
    """Immediate dominator of each block (Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm)."""
    position = [0] * count
    for place, block in enumerate(order):
        position[block] = place
    dominator = [-1] * count
    dominator[order[0]] = order[0]
    changed = True
    while changed:
        changed = False
        for block in order[1:]:
            best = -1
            for other in predecessors[block]:
                if dominator[other] < 0:
                    continue
                while best >= 0 and best != other:
                    if position[best] > position[other]:
                        best = dominator[best]
                    else:
                        other = dominator[other]
                best = other
            if dominator[block] != best:
                dominator[block] = best
                changed = True
    return dominator


def _loop_bodies(
    order: list[int], successors: list[list[int]], predecessors: list[list[int]], dominator: list[int]
) -> dict[int, set[int]]:
    """Blocks of the natural loop of each header."""
    bodies: dict[int, set[int]] = {}
    for block in order:
        for header in successors[block]:
            walk = block
            while walk not in (header, order[0]):
                walk = dominator[walk]
            if walk != header:
                continue
            body = bodies.setdefault(header, {header})
            work = [block]
            while work:
                other = work.pop()
                if other not in body:
                    body.add(other)
                    work.extend(predecessors[other])
    return bodies
