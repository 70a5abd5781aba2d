"""A function between LLVM and the pattern program: operations of the table, but any number of virtual registers.

Virtual registers are numbers; each has one type. Before the phis are removed a register is written once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Condition, FloatCondition, ValueType

NO_REGISTER = -1


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that has no register: the bits of an i32, i64, f32 or f64, without sign."""

    type: ValueType
    bits: int

    @property
    def signed(self) -> int:
        """The bits as a two's complement number."""
        width = bit_width(self.type)
        return self.bits - (1 << width) if self.bits >> (width - 1) else self.bits


Leaf = int | Constant  # a virtual register or a constant


@dataclass(frozen=True, slots=True)
class Address:
    """base + (index << scale) + displacement, modulo 2^32; a part that is missing is None."""

    base: int | None = None
    index: int | None = None
    scale: int = 0
    displacement: int = 0

    @property
    def registers(self) -> list[int]:
        """The registers that it reads."""
        return [register for register in (self.base, self.index) if register is not None]


@dataclass(slots=True)
class Node:
    """One operation.

    result: register written, or NO_REGISTER. reads: registers read, in the order of slots and tail; those of the
    address are in `address` alone. immediate: number in slot or tail. targets: numbers of blocks; of a SWITCH the
    default first. callee: name of a function, helper, or signature text of a table.
    """

    op: Op
    result: int = NO_REGISTER
    reads: list[int] = field(default_factory=list)
    immediate: int = 0
    condition: Condition | FloatCondition | None = None
    address: Address | None = None
    targets: list[int] = field(default_factory=list)
    callee: str = ""

    @property
    def all_reads(self) -> list[int]:
        """Every register read."""
        return self.reads + self.address.registers if self.address is not None else self.reads

    def rename(self, names: list[int]) -> None:
        """Put `names[register]` in place of every register, read or written."""
        if self.result >= 0:
            self.result = names[self.result]
        self.reads = [names[register] for register in self.reads]
        at = self.address
        if at is not None:
            base = None if at.base is None else names[at.base]
            index = None if at.index is None else names[at.index]
            self.address = Address(base, index, at.scale, at.displacement)

    def __str__(self) -> str:
        words = [f"r{register}" for register in self.reads]
        if self.address is not None:
            at = self.address
            parts = [] if at.base is None else [f"r{at.base}"]
            parts += [] if at.index is None else [f"r{at.index}<<{at.scale}"]
            words.append(f"[{' + '.join([*parts, str(at.displacement)])}]")
        if self.immediate:
            words.append(str(self.immediate))
        if self.condition is not None:
            words.append(self.condition.name.lower())
        words += [self.callee] if self.callee else []
        words += [f"b{target}" for target in self.targets]
        return (f"r{self.result} = " if self.result != NO_REGISTER else "") + f"{self.op.mnemonic} {', '.join(words)}"


@dataclass(slots=True)
class Phi:
    """A register that gets another value on each way into the block. `sources`: block number to what comes."""

    result: int
    sources: dict[int, Leaf] = field(default_factory=dict)


@dataclass(slots=True)
class MachineBlock:
    """Operations of which only the last ends the block. `depth`: loops it stands in."""

    name: str
    phis: list[Phi] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    depth: int = 0

    @property
    def successors(self) -> list[int]:
        """Blocks that may come next, each once."""
        return list(dict.fromkeys(self.nodes[-1].targets))


@dataclass(slots=True)
class MachineFunction:
    """A function. parameters: their registers. types: of each virtual register. frame: bytes of memory of its own."""

    name: str
    result: ValueType
    signature: tuple[ValueType, ...]
    parameters: list[int] = field(default_factory=list)
    types: list[ValueType] = field(default_factory=list)
    blocks: list[MachineBlock] = field(default_factory=list)
    frame: int = 0

    def register(self, type: ValueType) -> int:
        """A new virtual register."""
        self.types.append(type)
        return len(self.types) - 1

    def __str__(self) -> str:
        pairs = zip(self.parameters, self.signature, strict=True)
        parameters = ", ".join(f"r{register} {type.name.lower()}" for register, type in pairs)
        lines = [f"function {self.name}({parameters}) -> {self.result.name.lower()}, frame {self.frame}"]
        for number, block in enumerate(self.blocks):
            lines.append(f" b{number}: {block.name} depth {block.depth}")
            for phi in block.phis:
                sources = ", ".join(
                    f"b{b}: {f'r{leaf}' if isinstance(leaf, int) else leaf.signed}" for b, leaf in phi.sources.items()
                )
                lines.append(f"  r{phi.result} = phi {sources}")
            lines.extend(f"  {node}" for node in block.nodes)
        return "\n".join(lines) + "\n"


def bit_width(type: ValueType) -> int:
    """Bits of a register of the type."""
    return 32 if type in (ValueType.I32, ValueType.F32) else 64
