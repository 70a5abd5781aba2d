"""What a module says, typed: values, instructions, functions, globals (LLVM Language Reference)."""

from __future__ import annotations

from dataclasses import dataclass, field

from bfimg.bitcode.types import VOID, DataLayout, FunctionType, Type


@dataclass(frozen=True, slots=True)
class Local:
    """A parameter or the result of an instruction of the same function. `name` as printed, with its percent sign."""

    type: Type
    name: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class Number:
    """An integer, float or null pointer: the bits of it, without sign."""

    type: Type
    bits: int

    def __str__(self) -> str:
        return f"{self.type} {self.bits:#x}"


@dataclass(frozen=True, slots=True)
class Zero:
    """All bits zero; also undef and poison, whose bits are ours to choose."""

    type: Type

    def __str__(self) -> str:
        return f"{self.type} zero"


@dataclass(frozen=True, slots=True)
class Composite:
    """A constant structure, array or vector."""

    type: Type
    elements: tuple[Value, ...]

    def __str__(self) -> str:
        return f"{self.type} ({', '.join(map(str, self.elements))})"


@dataclass(frozen=True, slots=True)
class Text:
    """A constant array of bytes."""

    type: Type
    data: bytes

    def __str__(self) -> str:
        return f"{self.type} {self.data!r}"


@dataclass(frozen=True, slots=True)
class GlobalName:
    """The address of a global variable or function."""

    type: Type
    name: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class Expression:
    """A constant that the lowering computes: getelementptr, a conversion, or arithmetic."""

    type: Type
    opcode: str
    operands: tuple[Value, ...]
    source_type: Type = VOID

    def __str__(self) -> str:
        return f"{self.type} {self.opcode}({', '.join(map(str, self.operands))})"


Value = Local | Number | Zero | Composite | Text | GlobalName | Expression


@dataclass(slots=True)
class Instruction:
    """One instruction.

    type, name: of its result; VOID and "" for none. operands: in the order they are printed.
    detail: the predicate of a comparison, the operation of an atomic. source_type: what a load reads, a store
    writes, an alloca makes, a getelementptr steps over. labels: blocks; of a switch the default and then one for
    each of `cases`; of a phi where each operand comes from. indices: of extractvalue, insertvalue, shufflevector.
    function_type: of a call. attributes: of a call's arguments, one tuple each. volatile: it must stay.
    """

    opcode: str
    type: Type = VOID
    name: str = ""
    operands: list[Value] = field(default_factory=list)
    detail: str = ""
    source_type: Type = VOID
    labels: list[str] = field(default_factory=list)
    cases: list[int] = field(default_factory=list)
    indices: tuple[int, ...] = ()
    function_type: FunctionType | None = None
    attributes: tuple[ParameterAttributes, ...] = ()
    volatile: bool = False

    def __str__(self) -> str:
        words = [self.opcode, *([self.detail] if self.detail else [])]
        if self.source_type is not VOID:
            words.append(f"[{self.source_type}]")
        words.append(", ".join([*map(str, self.operands), *map(str, self.indices)]))
        words.extend(self.labels)
        if self.cases:
            words.append(str(self.cases))
        return (f"{self.type} {self.name} = " if self.name else "") + " ".join(filter(None, words))


@dataclass(frozen=True, slots=True)
class ParameterAttributes:
    """What a parameter or argument is: extended how (s, u or ""), and the type that is passed by value."""

    extension: str = ""
    by_value: Type = VOID


@dataclass(slots=True)
class Block:
    """Instructions of which only the last ends the block."""

    name: str
    instructions: list[Instruction] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """A function; without blocks it is only declared. `name` without the at sign. `parameters` name Locals."""

    name: str
    type: FunctionType
    parameters: list[Local]
    attributes: tuple[ParameterAttributes, ...]
    external: bool
    result_extension: str = ""
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class GlobalVariable:
    """Memory that lives as long as the module. `initial` is None when it is only declared."""

    name: str
    type: Type
    initial: Value | None
    alignment: int
    constant: bool


@dataclass(slots=True)
class Module:
    """A whole module. `aliases` maps a name to the constant it stands for."""

    layout: DataLayout
    triple: str = ""
    source: str = ""
    variables: dict[str, GlobalVariable] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    aliases: dict[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{'constant' if v.constant else 'global'} {v.name}: {v.initial}" for v in self.variables.values()]
        for function in self.functions.values():
            lines.append(f"function {function.name}: {', '.join(map(str, function.parameters))} -> {function.type}")
            for block in function.blocks:
                lines.append(f" {block.name}:")
                lines.extend(f"  {instruction}" for instruction in block.instructions)
        return "\n".join(lines) + "\n"
