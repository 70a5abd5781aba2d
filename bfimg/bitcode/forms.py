"""Additions, loads and stores in the shortest form that can hold their numbers."""

from __future__ import annotations

from bfimg.bitcode.machine import Address, Node
from bfimg.formats.pattern_ops import Op

SIGNED8 = range(-128, 128)
DISPLACEMENTS = range(-(1 << 27), 1 << 27)


def addition(result: int, register: int, number: int) -> Node:
    """A register plus a number."""
    op = Op.ADD_I32_IMM8 if number in SIGNED8 else Op.ADD_I32_IMM32
    return Node(op, result, [register], number)


def displaced(access: Node, register: int, other: int, distance: int) -> Node | None:
    """The same load or store when `register`, read in its address only, is `other` + `distance`; None for none such."""
    short = Op.__members__.get(access.op.name.removesuffix("_AT"), access.op)
    at = access.address
    if not short.access_size:
        return None
    values = list(access.reads)
    if at is None:
        at = Address(values.pop(), None, 0, access.immediate * short.access_size)
    if register in values or (at.base == register) == (at.index == register):
        return None
    displacement = at.displacement + (distance << (at.scale if at.index == register else 0))
    if displacement not in DISPLACEMENTS:
        return None
    base, index = (other if part == register else part for part in (at.base, at.index))
    return access_node(short, access.result, values, Address(base, index, at.scale, displacement))


def access_node(short: Op, result: int, values: list[int], address: Address) -> Node:
    """A load or store, in its short form where that is possible."""
    steps, uneven = divmod(address.displacement, short.access_size)
    if address.base is not None and address.index is None and not uneven and steps in SIGNED8:
        return Node(short, result, [*values, address.base], steps)
    return Node(Op[f"{short.name}_AT"], result, values, address=address)
