"""Reads the instructions of a function from LLVM assembly; one small reader for each form."""

from __future__ import annotations

from collections.abc import Callable

from bfimg.bitcode.assembly import TypeReader, function_name
from bfimg.bitcode.ir import Block, Function, GlobalName, Instruction, Local, Value
from bfimg.bitcode.tokens import Cursor, tokens_of, unexpected
from bfimg.bitcode.types import I1, PTR, VOID, FunctionType, OtherType, StructType, Type, VectorType, parts
from bfimg.errors import LoweringError

_FLAGS_TEXT = (
    "nuw nsw exact disjoint nneg samesign inbounds nusw fast nnan ninf nsz arcp contract afn reassoc "
    "atomic volatile inalloca"
)
_FLAGS = frozenset(_FLAGS_TEXT.split())
_REFUSED = {
    "invoke": "exceptions are not supported, compile with -fno-exceptions",
    "landingpad": "exceptions are not supported, compile with -fno-exceptions",
    "resume": "exceptions are not supported, compile with -fno-exceptions",
    "indirectbr": "computed goto is not supported",
    "callbr": "assembler text is not supported",
    "va_arg": "variadic functions are not supported",
    "atomicrmw": "atomic operations are not supported here",
    "cmpxchg": "atomic operations are not supported here",
    "fence": "atomic operations are not supported here",
}


def refuse(function: str, instruction: str, reason: str) -> LoweringError:
    """The error for what cannot be lowered: where it stands, what it is, and why."""
    return LoweringError(f"function {function}: {instruction}: {reason}", hint="change the source and compile it again")


def read_blocks(function: Function, text: str, types: TypeReader) -> list[Block]:
    """The blocks of a function's body. Raises LoweringError for an instruction that no pattern program has."""
    reader = _BodyReader(function.name, Cursor(tokens_of(text)), types)
    unnamed = sum(parameter.name[1:].isdigit() for parameter in function.parameters)
    blocks = [Block(f"%{unnamed}")]
    cursor = reader.cursor
    while not cursor.at_end:
        token = cursor.peek
        if token == "\n":
            cursor.take()
        elif token[0] == "#":  # a debug record
            cursor.skip_line()
        elif token[-1] == ":":
            cursor.take()
            name = "%" + token[:-1]
            if blocks[-1].instructions:
                blocks.append(Block(name))
            else:
                blocks[-1].name = name
        else:
            blocks[-1].instructions.append(reader.instruction())
            cursor.skip_line()
    return blocks


class _BodyReader:
    """Reads one instruction after the other; metadata at the end of a line is left to the caller."""

    def __init__(self, function: str, cursor: Cursor, types: TypeReader) -> None:
        self.function = function
        self.cursor = cursor
        self.types = types

    def instruction(self) -> Instruction:
        cursor = self.cursor
        name = ""
        if cursor.peek[0] == "%":
            name = cursor.take()
            cursor.expect("=")
        opcode = cursor.take()
        if opcode in ("tail", "musttail", "notail"):
            opcode = cursor.take()
        result = Instruction(opcode, name=name)
        reader = _READERS.get(opcode)
        if reader is None:
            raise refuse(self.function, opcode, _REFUSED.get(opcode, "no lowering for this instruction"))
        while cursor.peek in _FLAGS:
            result.volatile |= cursor.take() == "volatile"
        reader(self, result)
        return result

    def binary(self, result: Instruction) -> None:
        result.type = self.types.type(self.cursor)
        result.operands.append(self.types.value(result.type, self.cursor))
        while self.cursor.accept(","):
            if self.cursor.peek[0] == "!":
                break
            result.operands.append(self.types.value(result.type, self.cursor))

    def compare(self, result: Instruction) -> None:
        result.detail = self.cursor.take()
        self.binary(result)
        type = result.type
        result.type = VectorType(type.count, I1) if isinstance(type, VectorType) else I1

    def convert(self, result: Instruction) -> None:
        result.operands.append(self.types.typed_value(self.cursor))
        self.cursor.expect("to")
        result.type = self.types.type(self.cursor)

    def values(self, result: Instruction) -> None:
        """Typed values with commas between them; trailing bare numbers are indices."""
        cursor = self.cursor
        indices: list[int] = []
        while True:
            if cursor.peek.isdigit():
                indices.append(int(cursor.take()))
            else:
                result.operands.append(self.types.typed_value(cursor))
            if not cursor.accept(",") or cursor.peek[0] == "!":
                break
        result.indices = tuple(indices)
        result.type = _result_type(result)

    def phi(self, result: Instruction) -> None:
        result.type = self.types.type(self.cursor)
        while self.cursor.accept("["):
            result.operands.append(self.types.value(result.type, self.cursor))
            self.cursor.expect(",")
            result.labels.append(self.cursor.take())
            self.cursor.expect("]")
            self.cursor.accept(",")
            if self.cursor.peek[0] == "!":
                break

    def load(self, result: Instruction) -> None:
        result.type = result.source_type = self.types.type(self.cursor)
        self.cursor.expect(",")
        result.operands.append(self.types.typed_value(self.cursor))

    def store(self, result: Instruction) -> None:
        value = self.types.typed_value(self.cursor)
        self.cursor.expect(",")
        result.source_type = value.type
        result.operands = [value, self.types.typed_value(self.cursor)]

    def alloca(self, result: Instruction) -> None:
        cursor = self.cursor
        result.type = PTR
        result.source_type = self.types.type(cursor)
        while cursor.accept(","):
            if cursor.accept("align"):
                result.indices = (int(cursor.take()),)
            elif self.types.is_type(cursor.peek):
                result.operands.append(self.types.typed_value(cursor))
            else:
                break

    def getelementptr(self, result: Instruction) -> None:
        result.source_type = self.types.type(self.cursor)
        self.cursor.expect(",")
        self.values(result)

    def branch(self, result: Instruction) -> None:
        if not self.cursor.accept("label"):
            result.operands.append(self.types.typed_value(self.cursor))
            self.cursor.expect(",")
            self.cursor.expect("label")
        result.labels.append(self.cursor.take())
        while self.cursor.accept(","):
            if not self.cursor.accept("label"):
                break
            result.labels.append(self.cursor.take())

    def switch(self, result: Instruction) -> None:
        cursor = self.cursor
        result.operands.append(self.types.typed_value(cursor))
        cursor.expect(",")
        cursor.expect("label")
        result.labels.append(cursor.take())
        cursor.expect("[")
        while not cursor.accept("]"):
            if cursor.accept("\n"):
                continue
            value = self.types.typed_value(cursor)
            cursor.expect(",")
            cursor.expect("label")
            result.cases.append(getattr(value, "bits", 0))
            result.labels.append(cursor.take())

    def ret(self, result: Instruction) -> None:
        type = self.types.type(self.cursor)
        if type is not VOID:
            result.operands.append(self.types.value(type, self.cursor))

    def nothing(self, result: Instruction) -> None:
        pass

    def call(self, result: Instruction) -> None:
        """Operands are the arguments, then the callee."""
        cursor, types = self.cursor, self.types
        while not types.is_type(cursor.peek):
            token = cursor.take()
            if token == "\n":
                raise unexpected(cursor, "a call")
            if cursor.peek == "(":
                cursor.skip_group()
            elif token == "align":
                cursor.take()
        declared = result.type = types.type(cursor)
        variadic = False
        if cursor.peek == "(":
            variadic = types.function_type(declared, cursor).variadic
        if cursor.peek == "asm":
            raise refuse(self.function, "call asm", "assembler text is not supported")
        callee = self._callee()
        cursor.expect("(")
        attributes = []
        while not cursor.accept(")"):
            type = types.type(cursor)
            if isinstance(type, OtherType) and type.name == "metadata":
                self._skip_metadata()
                continue
            attributes.append(types.parameter_attributes(cursor))
            result.operands.append(types.value(type, cursor))
            cursor.accept(",")
        result.attributes = tuple(attributes)
        result.function_type = FunctionType(declared, tuple(operand.type for operand in result.operands), variadic)
        result.operands.append(callee)

    def _callee(self) -> Value:
        token = self.cursor.peek
        if token[0] == "@":
            return GlobalName(PTR, function_name(self.cursor.take()))
        if token[0] == "%":
            return Local(PTR, self.cursor.take())
        return self.types.value(PTR, self.cursor)

    def _skip_metadata(self) -> None:
        while self.cursor.peek not in (",", ")"):
            if self.cursor.peek == "(":
                self.cursor.skip_group()
            else:
                self.cursor.take()
        self.cursor.accept(",")


def _result_type(instruction: Instruction) -> Type:
    """The type of an instruction that does not print it."""
    first = instruction.operands[0].type
    match instruction.opcode:
        case "getelementptr":
            vectors = [operand.type for operand in instruction.operands if isinstance(operand.type, VectorType)]
            return VectorType(vectors[0].count, PTR) if vectors else PTR
        case "select":
            return instruction.operands[1].type
        case "extractelement":
            return parts(first)[0]
        case "shufflevector":
            mask = instruction.operands[2].type
            return VectorType(len(parts(mask)), parts(first)[0])
        case "extractvalue":
            for index in instruction.indices:
                first = first.fields[index] if isinstance(first, StructType) else parts(first)[0]
    return first


_BINARY = "add sub mul udiv sdiv urem srem shl lshr ashr and or xor fadd fsub fmul fdiv frem fneg"
_CONVERSIONS = (
    "trunc zext sext fptrunc fpext fptoui fptosi uitofp sitofp ptrtoint ptrtoaddr inttoptr bitcast addrspacecast"
)
_VALUES = "select freeze extractvalue insertvalue extractelement insertelement shufflevector"
_READERS: dict[str, Callable[[_BodyReader, Instruction], None]] = {
    **dict.fromkeys(_BINARY.split(), _BodyReader.binary),
    **dict.fromkeys(_CONVERSIONS.split(), _BodyReader.convert),
    **dict.fromkeys(_VALUES.split(), _BodyReader.values),
    "icmp": _BodyReader.compare,
    "fcmp": _BodyReader.compare,
    "phi": _BodyReader.phi,
    "load": _BodyReader.load,
    "store": _BodyReader.store,
    "alloca": _BodyReader.alloca,
    "getelementptr": _BodyReader.getelementptr,
    "br": _BodyReader.branch,
    "switch": _BodyReader.switch,
    "ret": _BodyReader.ret,
    "unreachable": _BodyReader.nothing,
    "call": _BodyReader.call,
}
