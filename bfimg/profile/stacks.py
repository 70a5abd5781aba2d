"""The tree of calls of each module as stacks, from the outermost function to the innermost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bfimg.profile.model import ModuleProfile

# Between the frames of a folded stack.
SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the tree of all calls, and what was spent below it.

    parent: index of a frame before this one, None for a module. depth: 0 for a module. cycles: its own and of all
    frames below it.
    """

    parent: int | None
    depth: int
    name: str
    module: str
    calls: int
    self_cycles: int
    cycles: int


def frames(modules: Iterable[ModuleProfile]) -> list[Frame]:
    """A frame for each module and below it one for each node of its tree, parents first."""
    found: list[Frame] = []
    for module in modules:
        sums = [node.self_cycles for node in module.nodes]
        for index, node in reversed(list(enumerate(module.nodes))):
            if node.parent is not None:
                sums[node.parent] += sums[index]
        top = len(found)
        below = sum(total for total, node in zip(sums, module.nodes, strict=True) if node.parent is None)
        own = 0 if module.nodes else module.cycles.total
        found.append(Frame(None, 0, module.name, module.name, module.calls, own, own + below))
        for node, total in zip(module.nodes, sums, strict=True):
            parent = top if node.parent is None else top + 1 + node.parent
            name = module.functions[node.function].name
            depth = found[parent].depth + 1
            found.append(Frame(parent, depth, name, module.name, node.calls, node.self_cycles, total))
    return found


def folded(modules: Iterable[ModuleProfile]) -> Iterator[str]:
    """A line for each stack that has cycles of its own, such as ``sha256;main;round 1234``: the frames from the
    outside in, and the cycles. It is what most programs that draw flame graphs read."""
    stacks: list[str] = []
    for frame in frames(modules):
        name = "".join(letter if letter.isprintable() else "?" for letter in frame.name).replace(SEPARATOR, ":")
        stacks.append(name if frame.parent is None else f"{stacks[frame.parent]}{SEPARATOR}{name}")
        if frame.self_cycles:
            yield f"{stacks[-1]} {frame.self_cycles}"
