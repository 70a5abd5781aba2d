"""Reads LLVM assembly, as the shipped LLVM prints it, into a typed module: types, constants, globals, functions.

Not a reader for what people write: only what LLVM prints, with opaque pointers, is understood.
"""

from __future__ import annotations

import re
import struct

from bfimg.bitcode.ir import (
    Composite,
    Expression,
    Function,
    GlobalName,
    GlobalVariable,
    Local,
    Module,
    Number,
    ParameterAttributes,
    Text,
    Value,
    Zero,
)
from bfimg.bitcode.tokens import Cursor, tokens_of, unexpected, unquote
from bfimg.bitcode.types import (
    DOUBLE,
    FLOAT,
    PTR,
    VOID,
    ArrayType,
    DataLayout,
    FloatType,
    FunctionType,
    IntType,
    OtherType,
    StructType,
    Type,
    VectorType,
    parts,
)

_PLAIN_TYPES: dict[str, Type] = {"void": VOID, "ptr": PTR, "float": FLOAT, "double": DOUBLE}
_OTHER_TYPES = ("half", "bfloat", "fp128", "x86_fp80", "ppc_fp128", "x86_amx", "label", "token", "metadata", "opaque")
_INT_TYPE = re.compile(r"i(\d+)$")
_CONVERSIONS = ("trunc", "zext", "sext", "ptrtoint", "ptrtoaddr", "inttoptr", "bitcast", "addrspacecast")
_ZERO_WORDS = ("zeroinitializer", "undef", "poison", "null", "none")
_FLAGS_TEXT = "nuw nsw exact disjoint nneg samesign inbounds nusw fast nnan ninf nsz arcp contract afn reassoc"
_FLAGS = frozenset(_FLAGS_TEXT.split())


class TypeReader:
    """Reads types and values. Named structures are kept; a name that is not there yet is read when it is asked for."""

    def __init__(self) -> None:
        self.named: dict[str, Cursor] = {}
        self._read: dict[str, Type] = {}
        self._reading: set[str] = set()
        self._integers: dict[str, Type] = dict(_PLAIN_TYPES)

    def is_type(self, token: str) -> bool:
        """True when a type begins with the token."""
        return (
            token in self._integers
            or token in "{[<"
            or token in self.named
            or token in _OTHER_TYPES
            or _INT_TYPE.match(token) is not None
        )

    def type(self, cursor: Cursor) -> Type:
        """The type that comes next; with parameters in brackets behind it, a function type."""
        token = cursor.take()
        result = self._integers.get(token)
        if result is None:
            result = self._composite(token, cursor)
        if cursor.peek == "addrspace":
            cursor.take()
            cursor.skip_group()
            result = OtherType("ptr addrspace")
        return result

    def _composite(self, token: str, cursor: Cursor) -> Type:
        match = _INT_TYPE.match(token)
        if match:
            return self._integers.setdefault(token, IntType(int(match[1])))
        if token == "{":
            return StructType(self._fields(cursor, "}"))
        if token == "<" and cursor.peek == "{":
            cursor.take()
            fields = self._fields(cursor, "}")
            cursor.expect(">")
            return StructType(fields, packed=True)
        if token in ("[", "<"):
            if cursor.peek == "vscale":
                raise unexpected(cursor, "a vector of fixed length")
            count = int(cursor.take())
            cursor.expect("x")
            element = self.type(cursor)
            cursor.expect("]" if token == "[" else ">")
            return ArrayType(count, element) if token == "[" else VectorType(count, element)
        if token in self.named:
            return self._named(token)
        if token in _OTHER_TYPES:
            return OtherType(token)
        raise unexpected(cursor, "a type")

    def _fields(self, cursor: Cursor, end: str) -> tuple[Type, ...]:
        fields: list[Type] = []
        while not cursor.accept(end):
            fields.append(self.type(cursor))
            cursor.accept(",")
        return tuple(fields)

    def _named(self, name: str) -> Type:
        if name not in self._read:
            cursor = self.named[name]
            if name in self._reading:
                raise unexpected(cursor, "a structure that does not hold itself")
            self._reading.add(name)
            self._read[name] = self.type(cursor)
        return self._read[name]

    def function_type(self, result: Type, cursor: Cursor) -> FunctionType:
        """The parameter types in brackets that come next."""
        cursor.expect("(")
        parameters: list[Type] = []
        variadic = False
        while not cursor.accept(")"):
            if cursor.accept("..."):
                variadic = True
            else:
                parameters.append(self.type(cursor))
            cursor.accept(",")
        return FunctionType(result, tuple(parameters), variadic)

    def typed_value(self, cursor: Cursor) -> Value:
        """A type and a value of it."""
        return self.value(self.type(cursor), cursor)

    def value(self, type: Type, cursor: Cursor) -> Value:
        """A value of the type: a name, a number, or a constant expression."""
        token = cursor.take()
        first = token[0]
        if first == "%":
            return Local(type, token)
        if first == "@":
            return GlobalName(type, function_name(token))
        if isinstance(type, IntType) and (first.isdigit() or first == "-"):
            return Number(type, int(token) & (1 << type.bits) - 1)
        if isinstance(type, FloatType) and (first.isdigit() or first == "-"):
            return Number(type, _float_bits(token, type))
        if token in ("true", "false"):
            return Number(type, int(token == "true"))
        if token in _ZERO_WORDS:
            return Zero(type)
        return self._constant(type, token, cursor)

    def _constant(self, type: Type, token: str, cursor: Cursor) -> Value:
        if token in ("[", "{", "<"):
            if token == "<" and isinstance(type, StructType):
                cursor.expect("{")
            elements = []
            end = {"[": "]", "{": "}", "<": ">"}[token]
            if isinstance(type, StructType):
                end = "}"
            while not cursor.accept(end):
                elements.append(self.typed_value(cursor))
                cursor.accept(",")
            if token == "<" and isinstance(type, StructType):
                cursor.expect(">")
            return Composite(type, tuple(elements))
        if token.startswith('c"'):
            return Text(type, unquote(token))
        if token == "splat":
            cursor.expect("(")
            element = self.typed_value(cursor)
            cursor.expect(")")
            return Composite(type, (element,) * len(parts(type)))
        return self._expression(type, token, cursor)

    def _expression(self, type: Type, opcode: str, cursor: Cursor) -> Value:
        while cursor.peek in _FLAGS or cursor.peek == "inrange":
            if cursor.take() == "inrange":
                cursor.skip_group()
        if opcode not in (*_CONVERSIONS, "getelementptr", "add", "sub", "xor", "mul", "shl"):
            if cursor.peek == "(":
                cursor.skip_group()
            return Expression(type, opcode, ())
        cursor.expect("(")
        source: Type = VOID
        if opcode == "getelementptr":
            source = self.type(cursor)
            cursor.expect(",")
        operands = [self.typed_value(cursor)]
        if opcode in _CONVERSIONS:
            cursor.expect("to")
            self.type(cursor)
        while cursor.accept(","):
            operands.append(self.typed_value(cursor))
        cursor.expect(")")
        return Expression(type, opcode, tuple(operands), source)

    def parameter_attributes(self, cursor: Cursor) -> ParameterAttributes:
        """The attributes between a parameter's type and its name; the cursor stops before the name."""
        extension = ""
        by_value: Type = VOID
        while cursor.peek in _ATTRIBUTES or cursor.peek in _BRACKETED_ATTRIBUTES:
            token = cursor.take()
            if token in ("signext", "zeroext"):
                extension = token[0]
            elif token == "byval":
                cursor.expect("(")
                by_value = self.type(cursor)
                cursor.expect(")")
            elif token in _BRACKETED_ATTRIBUTES and cursor.peek == "(":
                cursor.skip_group()
            elif token == "align":
                cursor.take()
        if extension == "" and by_value is VOID:
            return _NO_ATTRIBUTES
        return ParameterAttributes(extension, by_value)


_NO_ATTRIBUTES = ParameterAttributes()
_ATTRIBUTES_TEXT = (
    "zeroext signext noext inreg nest noalias nocapture nofree nonnull noundef readnone readonly "
    "writeonly returned swiftself swiftasync swifterror immarg allocalign allocptr writable "
    "dead_on_unwind dead_on_return"
)
_ATTRIBUTES = frozenset(_ATTRIBUTES_TEXT.split())
_BRACKETED_ATTRIBUTES_TEXT = (
    "align alignstack allocsize byref byval captures dead_on_return dereferenceable "
    "dereferenceable_or_null elementtype inalloca initializes memory nofpclass preallocated range sret"
)
_BRACKETED_ATTRIBUTES = frozenset(_BRACKETED_ATTRIBUTES_TEXT.split())


def function_name(token: str) -> str:
    """A global's name without its at sign and quotes."""
    return unquote(token).decode("utf-8", "replace") if token[1] == '"' else token[1:]


def _float_bits(token: str, type: FloatType) -> int:
    """The bits of a float as LLVM prints it: decimal, or the bits of a double in hexadecimal, also for a float."""
    number = struct.unpack("<d", struct.pack("<Q", int(token, 16)))[0] if token.startswith("0x") else float(token)
    if type.bits == 64:
        return int(token, 16) if token.startswith("0x") else int.from_bytes(struct.pack("<d", number), "little")
    if number != number:  # the sign and the upper bits of a NaN's payload
        bits = int(token, 16)
        return bits >> 32 & 0x80000000 | 0x7F800000 | bits >> 29 & 0x7FFFFF
    return int.from_bytes(struct.pack("<f", number), "little")


def read_module(text: str) -> Module:
    """The typed module that the assembly says. Raises FormatError where it is not understood,
    LoweringError for an instruction that has no lowering."""
    from bfimg.bitcode.assembly_instructions import read_blocks

    types = TypeReader()
    module = Module(DataLayout(""))
    lines = text.split("\n")
    bodies: list[tuple[Function, str]] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith("%"):
            name, _, definition = line.partition(" = type ")
            types.named[name] = Cursor(tokens_of(definition))
        elif line.startswith("@"):
            _read_global(line, types, module)
        elif line.startswith("declare "):
            function = _read_header(line, types)
            module.functions[function.name] = function
        elif line.startswith("define "):
            function = _read_header(line, types)
            module.functions[function.name] = function
            end = lines.index("}", number)
            bodies.append((function, "\n".join(lines[number:end])))
            number = end + 1
        elif line.startswith("target datalayout"):
            module.layout = DataLayout(line.split('"')[1])
        elif line.startswith("target triple"):
            module.triple = line.split('"')[1]
        elif line.startswith("source_filename"):
            module.source = unquote(line).decode("utf-8", "replace")
        elif line.startswith("module asm"):
            raise unexpected(Cursor([line]), "no assembler text of the whole module")
    for function, body in bodies:
        function.blocks = read_blocks(function, body, types)
    return module


def _read_global(line: str, types: TypeReader, module: Module) -> None:
    cursor = Cursor(tokens_of(line))
    name = function_name(cursor.take())
    cursor.expect("=")
    declared, kind = False, ""
    while kind == "":
        token = cursor.take()
        if token in ("global", "constant", "alias", "ifunc"):
            kind = token
        elif token in ("external", "extern_weak"):
            declared = True
        elif cursor.peek == "(":
            cursor.skip_group()
        elif token == "\n":
            raise unexpected(cursor, "a global variable")
    if kind in ("alias", "ifunc"):
        types.type(cursor)
        cursor.expect(",")
        module.aliases[name] = types.typed_value(cursor)
        return
    type = types.type(cursor)
    initial = None if declared else types.value(type, cursor)
    match = re.search(r", align (\d+)", line)
    alignment = int(match[1]) if match else module.layout.alignment(type)
    module.variables[name] = GlobalVariable(name, type, initial, alignment, kind == "constant")


def _read_header(line: str, types: TypeReader) -> Function:
    """A function's first line: linkage, result, name, parameters."""
    cursor = Cursor(tokens_of(line))
    external, extension = True, ""
    while not types.is_type(cursor.peek) or cursor.peek == "\n":
        token = cursor.take()
        if token in ("internal", "private"):
            external = False
        elif token in ("signext", "zeroext"):
            extension = token[0]
        elif token == "\n":
            raise unexpected(cursor, "a function")
        if cursor.peek == "(":
            cursor.skip_group()
        elif token == "align":
            cursor.take()
    result = types.type(cursor)
    name = function_name(cursor.take())
    cursor.expect("(")
    parameters: list[Local] = []
    attributes: list[ParameterAttributes] = []
    variadic = False
    while not cursor.accept(")"):
        if cursor.accept("..."):
            variadic = True
        else:
            type = types.type(cursor)
            attributes.append(types.parameter_attributes(cursor))
            named = cursor.peek.startswith("%")
            parameters.append(Local(type, cursor.take() if named else f"%{len(parameters)}"))
        cursor.accept(",")
    function_type = FunctionType(result, tuple(p.type for p in parameters), variadic)
    return Function(name, function_type, parameters, tuple(attributes), external, extension)
