"""Types of LLVM IR, and where their parts lie in memory (LLVM Language Reference: type system, data layout)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

POINTER_BITS = 32


@dataclass(frozen=True, slots=True)
class VoidType:
    """No value."""

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class IntType:
    """An integer of `bits` bits, without sign."""

    bits: int

    def __str__(self) -> str:
        return f"i{self.bits}"


@dataclass(frozen=True, slots=True)
class FloatType:
    """IEEE 754 binary32 or binary64."""

    bits: int

    def __str__(self) -> str:
        return "float" if self.bits == 32 else "double"


@dataclass(frozen=True, slots=True)
class PointerType:
    """An address, 32 bits; what it points to is not part of the type."""

    def __str__(self) -> str:
        return "ptr"


@dataclass(frozen=True, slots=True)
class ArrayType:
    """`count` elements in memory."""

    count: int
    element: Type

    def __str__(self) -> str:
        return f"[{self.count} x {self.element}]"


@dataclass(frozen=True, slots=True)
class VectorType:
    """`count` elements that instructions work on at once."""

    count: int
    element: Type

    def __str__(self) -> str:
        return f"<{self.count} x {self.element}>"


@dataclass(frozen=True, slots=True)
class StructType:
    """Fields in order; `packed` has no gaps between them."""

    fields: tuple[Type, ...]
    packed: bool = False

    def __str__(self) -> str:
        inner = "{ " + ", ".join(map(str, self.fields)) + " }"
        return f"<{inner}>" if self.packed else inner


@dataclass(frozen=True, slots=True)
class OtherType:
    """A type that values of a module may not have: x86_fp80, token, metadata, label, an opaque structure."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class FunctionType:
    """What a function takes and gives."""

    result: Type
    parameters: tuple[Type, ...]
    variadic: bool = False

    def __str__(self) -> str:
        inner = [*map(str, self.parameters), *(["..."] if self.variadic else [])]
        return f"{self.result} ({', '.join(inner)})"


Type = VoidType | IntType | FloatType | PointerType | ArrayType | VectorType | StructType | OtherType | FunctionType

VOID = VoidType()
PTR = PointerType()
I1 = IntType(1)
I8 = IntType(8)
I32 = IntType(32)
I64 = IntType(64)
FLOAT = FloatType(32)
DOUBLE = FloatType(64)


def parts(type: Type) -> tuple[Type, ...]:
    """The types of the elements or fields of an aggregate or vector; one type alone for anything else."""
    if isinstance(type, StructType):
        return type.fields
    if isinstance(type, ArrayType | VectorType):
        return (type.element,) * type.count
    return (type,)


def is_composite(type: Type) -> bool:
    """True for what has parts: structures, arrays, vectors."""
    return isinstance(type, StructType | ArrayType | VectorType)


@dataclass(frozen=True)
class DataLayout:
    """Sizes, alignments and offsets in bytes, as a module's `target datalayout` rules them.

    text: the layout string. On i686 an i64 or a double is aligned to 4 bytes, not 8.
    """

    text: str
    _alignments: dict[str, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # LLVM's defaults, where the string says nothing.
        alignments = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 4, "f32": 4, "f64": 8, "v64": 8, "v128": 16}
        for kind, size, bits in re.findall(r"(?:^|-)([ifv])(\d+):(\d+)", self.text):
            alignments[kind + size] = int(bits) // 8
        object.__setattr__(self, "_alignments", alignments)

    @lru_cache(maxsize=4096)  # noqa: B019 a layout lives as long as one lowering
    def alignment(self, type: Type) -> int:
        """ABI alignment."""
        if isinstance(type, PointerType):
            return 4
        if isinstance(type, IntType):
            for bits in (1, 8, 16, 32, 64):
                if type.bits <= bits:
                    return self._alignments[f"i{bits}"]
            return self._alignments.get("i128", self._alignments["i64"])
        if isinstance(type, FloatType):
            return self._alignments[f"f{type.bits}"]
        if isinstance(type, ArrayType):
            return self.alignment(type.element)
        if isinstance(type, StructType):
            return 1 if type.packed else max(map(self.alignment, type.fields), default=1)
        if isinstance(type, VectorType):
            size = self._vector_bytes(type)
            return self._alignments.get(f"v{size * 8}", 1 << (size - 1).bit_length() if size else 1)
        return 1

    def _vector_bytes(self, type: VectorType) -> int:
        element = type.element
        bits = element.bits if isinstance(element, IntType) else self.size(element) * 8
        return (bits * type.count + 7) // 8

    @lru_cache(maxsize=4096)  # noqa: B019
    def store_size(self, type: Type) -> int:
        """Bytes that a load or store of the type touches."""
        if isinstance(type, IntType | FloatType):
            return (type.bits + 7) // 8
        if isinstance(type, PointerType):
            return 4
        if isinstance(type, ArrayType):
            return type.count * self.size(type.element)
        if isinstance(type, VectorType):
            return self._vector_bytes(type)
        if isinstance(type, StructType):
            *_, end = self.offsets(type)
            return -(-end // self.alignment(type)) * self.alignment(type)
        return 0

    def size(self, type: Type) -> int:
        """Bytes from one element of an array to the next."""
        alignment = self.alignment(type)
        return -(-self.store_size(type) // alignment) * alignment

    @lru_cache(maxsize=4096)  # noqa: B019
    def offsets(self, type: Type) -> tuple[int, ...]:
        """Where each part of a composite begins, and, last, where the last one ends."""
        if not isinstance(type, StructType):
            element, count = parts(type)[0] if parts(type) else VOID, len(parts(type))
            step = self.store_size(element) if isinstance(type, VectorType) else self.size(element)
            return tuple(range(0, step * count + 1, step)) if step else (0,) * (count + 1)
        result, end = [], 0
        for part in type.fields:
            alignment = 1 if type.packed else self.alignment(part)
            end = -(-end // alignment) * alignment
            result.append(end)
            end += self.size(part)
        return (*result, end)
