"""What a definition is made of: structures with documented fields, and documented constants.

A definition is a class; its fields have a Construct type, meaning, unit and legal range:

    class KernelHeader(Structure, c_name="kernel_header", size=64, source="..."):
        signature: int = u32("Marks a kernel", const=0x464C5544)

From the one class come the Construct definition, the typed object, the C structure, the assembler constants and the
reference page. All integers are little-endian.

Construct builds, and is the reference; reading goes through a `struct` format derived from the same fields, which
tests prove equal for every structure. That is a hundred times as fast, and it spares each command that only reads the
25 ms that importing construct takes.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, ClassVar, Self

from bfimg.errors import FormatError
from bfimg.formats.crc import Crc


class Constant(int):
    """A documented number that C and assembler see too. Its name is the name it is assigned to."""

    meaning: str
    unit: str | None

    def __new__(cls, value: int, meaning: str, unit: str | None = None) -> Self:
        self = super().__new__(cls, value)
        self.meaning = meaning
        self.unit = unit
        return self


class TextConstant(str):
    """A documented ASCII string that C sees too."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        self = super().__new__(cls, value)
        self.meaning = meaning
        return self


@dataclasses.dataclass(frozen=True)
class FieldSpec:
    """One field of a structure. `offset` and `size` are in bytes; `name` and `offset` are set by the class."""

    kind: str
    size: int
    meaning: str
    default: Any
    unit: str | None = None
    low: int | None = None
    high: int | None = None
    const: int | None = None
    values: type[IntEnum] | None = None  # the only legal values
    names: type[IntEnum] | None = None  # values that have a name; others are legal too
    bits: type[IntEnum] | None = None  # the value is a sum of these, and of nothing else
    padding: bytes = b"\0"
    crc: Crc | None = None
    element: type[Structure] | None = None
    count: int = 1
    name: str = ""
    offset: int = 0

    @property
    def is_integer(self) -> bool:
        return self.kind in _INTEGERS

    def legal(self) -> str:
        """The legal range in words, empty when every value is legal."""
        if self.const is not None:
            return f"{self.const:#x}"
        if self.values is not None:
            return ", ".join(f"{member.value:#x} {member.name.lower()}" for member in self.values)
        if self.bits is not None:
            return "bits " + ", ".join(f"{member.value:#x} {member.name.lower()}" for member in self.bits)
        if self.crc is not None:
            return self.crc.name
        if self.low is not None or self.high is not None:
            return f"{_bound(self.low)}..{_bound(self.high)}"
        return ""

    def problem(self, value: int) -> str | None:
        """Why this integer is not legal for the field, or None."""
        if self.const is not None and value != self.const:
            return f"is {value:#x}, must be {self.const:#x}"
        if self.values is not None and value not in self.values._value2member_map_:
            return f"is {value:#x}, must be one of {self.legal()}"
        if self.bits is not None and value & ~sum(self.bits):
            return f"is {value:#x}, has bits beyond {sum(self.bits):#x}"
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            return f"is {value}, must be in {self.legal()}"
        return None


@dataclasses.dataclass(frozen=True)
class Problem:
    """A field whose value is outside what its definition allows."""

    field: str
    offset: int
    message: str


# Kind -> size in bytes, struct format, name in Construct.
_INTEGERS = {
    "u8": (1, "B", "Int8ul"),
    "u16": (2, "H", "Int16ul"),
    "u32": (4, "I", "Int32ul"),
    "u64": (8, "Q", "Int64ul"),
}


def _bound(value: int | None) -> str:
    return "" if value is None else str(value)


def _integer(kind: str, meaning: str, default: int, extra: dict[str, Any]) -> Any:
    return FieldSpec(kind, _INTEGERS[kind][0], meaning, default=extra.get("const", default), **extra)


def u8(meaning: str, *, default: int = 0, **extra: Any) -> Any:
    """Unsigned 8-bit integer. `extra`: unit, low, high, const, values, names."""
    return _integer("u8", meaning, default, extra)


def u16(meaning: str, *, default: int = 0, **extra: Any) -> Any:
    """Unsigned 16-bit integer. `extra`: unit, low, high, const, values, crc (over all bytes before it)."""
    return _integer("u16", meaning, default, extra)


def u32(meaning: str, *, default: int = 0, **extra: Any) -> Any:
    """Unsigned 32-bit integer. `extra`: as for u16, and bits."""
    return _integer("u32", meaning, default, extra)


def u64(meaning: str, *, default: int = 0, **extra: Any) -> Any:
    """Unsigned 64-bit integer. `extra`: as for u16."""
    return _integer("u64", meaning, default, extra)


def raw(size: int, meaning: str, *, default: bytes | None = None) -> Any:
    """`size` bytes kept exactly as they are (never Construct's Padding, which loses non-zero bytes)."""
    return FieldSpec("bytes", size, meaning, default=default or bytes(size))


def text(size: int, meaning: str, *, default: bytes | None = None, padding: bytes = b"\0") -> Any:
    """`size` bytes that hold text, filled up with `padding`. Held as bytes so that what follows the text survives."""
    return FieldSpec("text", size, meaning, default=default or bytes(size), padding=padding)


def nested(element: type[Structure], meaning: str) -> Any:
    """Another structure, in place."""
    return FieldSpec("struct", element.SIZE, meaning, default=element(), element=element)


def array(element: type[Structure], count: int, meaning: str) -> Any:
    """`count` structures one after the other, held as a tuple."""
    default = (element(),) * count
    return FieldSpec("array", element.SIZE * count, meaning, default=default, element=element, count=count)


class Structure:
    """Base of all definitions: an immutable object with one attribute for each field, and Construct behind it.

    Not a dataclass only because compiling one costs a millisecond, and every command needs many definitions.
    """

    C_NAME: ClassVar[str]
    SIZE: ClassVar[int]
    SOURCE: ClassVar[str]
    FIELDS: ClassVar[tuple[FieldSpec, ...]] = ()
    STRUCT_FORMAT: ClassVar[str]

    def __init_subclass__(cls, *, c_name: str, size: int, source: str) -> None:
        """c_name: name in C, without prefix. size: bytes, checked here. source: the specification followed."""
        cls.C_NAME = c_name
        cls.SOURCE = source
        fields = list(cls.FIELDS)
        offset = sum(spec.size for spec in fields)
        for name, value in list(vars(cls).items()):
            if isinstance(value, FieldSpec):
                fields.append(dataclasses.replace(value, name=name, offset=offset))
                offset += value.size
                delattr(cls, name)
        if offset != size:
            raise TypeError(f"{cls.__name__} is {offset} bytes, declared as {size}")
        cls.SIZE = size
        cls.FIELDS = tuple(fields)
        cls.STRUCT_FORMAT = "<" + "".join(
            _INTEGERS[spec.kind][1] if spec.is_integer else f"{spec.size}s" for spec in fields
        )

    def __init__(self, **values: Any) -> None:
        """Fields by name; what is not named gets its default. Raises TypeError for a name that is no field."""
        fields = {spec.name: values.pop(spec.name, spec.default) for spec in self.FIELDS}
        if values:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(values))}")
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: use replace({name}=...)")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({shown})"

    @classmethod
    def parse(
        cls, data: bytes | bytearray | memoryview, offset: int = 0, *, path: str | None = None, field: str | None = None
    ) -> Self:
        """Read one structure at `offset` of `data`. Values are not judged here: see `problems`.

        path and field name the file and the place for the error. Raises FormatError when bytes are missing.
        """
        window = bytes(data[offset : offset + cls.SIZE])
        if len(window) < cls.SIZE:
            raise FormatError(
                f"truncated: {cls.C_NAME} needs {cls.SIZE} bytes, {len(window)} are there",
                path=path,
                offset=offset,
                field=field or cls.C_NAME,
            )
        return cls._from_bytes(window)

    @classmethod
    def _from_bytes(cls, data: bytes) -> Self:
        values: dict[str, Any] = {}
        for spec, value in zip(cls.FIELDS, struct.unpack(cls.STRUCT_FORMAT, data), strict=True):
            if spec.element is not None:
                size = spec.element.SIZE
                items = tuple(spec.element._from_bytes(value[i : i + size]) for i in range(0, spec.size, size))
                value = items if spec.kind == "array" else items[0]
            values[spec.name] = value
        return cls(**values)

    @classmethod
    def construct(cls) -> Any:
        """The Construct definition: what builds the structure, and the reference for the fast path."""
        import construct

        def subconstruct(spec: FieldSpec) -> Any:
            if spec.element is None:
                integer = _INTEGERS.get(spec.kind)
                return construct.Bytes(spec.size) if integer is None else getattr(construct, integer[2])
            inner = spec.element.construct()
            return construct.Array(spec.count, inner) if spec.kind == "array" else inner

        return construct.Struct(*[spec.name / subconstruct(spec) for spec in cls.FIELDS])

    def to_bytes(self) -> bytes:
        """The structure's SIZE bytes, built by Construct. Raises FormatError when a value does not fit its field."""
        from construct import ConstructError

        try:
            built: bytes = self.construct().build(self._to_container())
        except ConstructError as error:
            raise FormatError(
                f"{self.C_NAME}: {' '.join(str(error).split())}", hint="use a value that fits the field"
            ) from None
        return built

    def _to_container(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for spec in self.FIELDS:
            value = getattr(self, spec.name)
            if spec.kind == "struct":
                value = value._to_container()
            elif spec.kind == "array":
                value = [item._to_container() for item in value]
            values[spec.name] = value
        return values

    def replace(self, **values: Any) -> Self:
        """A copy with other values in the fields named."""
        return type(self)(**{**self.__dict__, **values})

    @classmethod
    def field_spec(cls, name: str) -> FieldSpec:
        """The definition of the field called `name`. Raises KeyError when there is none."""
        for spec in cls.FIELDS:
            if spec.name == name:
                return spec
        raise KeyError(name)

    @classmethod
    def offset_of(cls, name: str) -> int:
        """Byte offset of a field in the structure."""
        return cls.field_spec(name).offset

    def sealed(self) -> Self:
        """A copy in which each own-CRC field holds the CRC of the bytes before it."""
        result = self
        for spec in self.FIELDS:
            if spec.crc is not None:
                value = spec.crc.compute(result.packed()[: spec.offset])
                result = result.replace(**{spec.name: value})
        return result

    def problems(self, prefix: str = "", base: int = 0) -> Iterator[Problem]:
        """Each field whose value is not legal. prefix: field path so far; base: byte offset of this structure."""
        for spec in self.FIELDS:
            name = f"{prefix}.{spec.name}" if prefix else spec.name
            value = getattr(self, spec.name)
            if spec.kind == "struct":
                yield from value.problems(name, base + spec.offset)
            elif spec.kind == "array":
                for index, item in enumerate(value):
                    yield from item.problems(f"{name}[{index}]", base + spec.offset + index * item.SIZE)
            elif spec.crc is not None:
                wanted = spec.crc.compute(self.packed()[: spec.offset])
                if value != wanted:
                    yield Problem(name, base + spec.offset, f"is {value:#x}, computed {wanted:#x}")
            elif spec.is_integer:
                message = spec.problem(value)
                if message is not None:
                    yield Problem(name, base + spec.offset, message)

    def packed(self) -> bytes:
        """The same bytes as `to_bytes` by the fast path. Raises struct.error when a value does not fit."""
        values = []
        for spec, value in zip(self.FIELDS, self.__dict__.values(), strict=True):
            if spec.kind == "array":
                value = b"".join(item.packed() for item in value)
            elif spec.kind == "struct":
                value = value.packed()
            values.append(value)
        return struct.pack(self.STRUCT_FORMAT, *values)

    @classmethod
    def unpacker(cls) -> struct.Struct:
        """For reading many: a `struct.Struct` of the same fields, one value a field, nested ones as bytes."""
        return struct.Struct(cls.STRUCT_FORMAT)


def decode_text(data: bytes, padding: bytes = b"\0") -> str:
    """Text up to the first NUL (or without its padding), bytes outside ASCII shown as ``\\xNN``."""
    if padding == b"\0":
        data = data.split(b"\0", 1)[0]
    return data.rstrip(padding).decode("ascii", "backslashreplace")


def encode_text(value: str, size: int, *, field: str) -> bytes:
    """ASCII text padded with NUL to `size` bytes, always with room for one NUL.

    Raises FormatError when it is too long, empty or not printable ASCII.
    """
    if not value or not value.isascii() or not value.isprintable():
        raise FormatError(f"{value!r} is not printable ASCII text", field=field, hint="choose another name")
    if len(value) >= size:
        raise FormatError(
            f"{value!r} is {len(value)} bytes, at most {size - 1} fit", field=field, hint="choose a shorter name"
        )
    return value.encode("ascii").ljust(size, b"\0")
