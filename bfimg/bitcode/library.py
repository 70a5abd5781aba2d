"""Functions that a module calls but does not define: those the kernel has, by their C names."""

from __future__ import annotations

from collections.abc import Callable

from bfimg.bitcode.builder import ZERO
from bfimg.bitcode.constants import unsupported
from bfimg.bitcode.ir import Instruction, Value
from bfimg.bitcode.select import Selector
from bfimg.bitcode.select_floats import as_double, float_unary, from_double
from bfimg.bitcode.select_memory import copy_bytes, fill_bytes
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_types import ValueType

_MATHEMATICS = {
    "sin": Helper.SIN,
    "cos": Helper.COS,
    "exp": Helper.EXP,
    "log": Helper.LOG,
    "fmod": Helper.FMOD,
    "floor": Helper.FLOOR,
    "ceil": Helper.CEIL,
    "trunc": Helper.TRUNC,
    "round": Helper.ROUND,
    "rint": Helper.ROUND_EVEN,
    "nearbyint": Helper.ROUND_EVEN,
    "roundeven": Helper.ROUND_EVEN,
}


def lower_mathematics(self: Selector, instruction: Instruction, name: str, arguments: list[Value]) -> bool:
    """A function of doubles by its C name, or one of floats with an f behind it. False when there is none."""
    plain = name[:-1] if name not in _MATHEMATICS and name[:-1] in _MATHEMATICS and name.endswith("f") else name
    if plain not in _MATHEMATICS:
        return False
    result = self.helper(_MATHEMATICS[plain], *(as_double(self, argument) for argument in arguments))
    self.set(instruction, from_double(self, result, instruction.type))
    return True


def _copy(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    copy_bytes(self, *arguments)
    self.values[instruction.name] = self.leaves(arguments[0])


def _fill(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    fill_bytes(self, *arguments)
    self.values[instruction.name] = self.leaves(arguments[0])


def _root(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    kind = ValueType.F64 if str(instruction.type) == "double" else ValueType.F32
    self.set(instruction, float_unary(self, "SQRT", self.leaf(arguments[0]), kind))


def _magnitude(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    kind = ValueType.F64 if str(instruction.type) == "double" else ValueType.F32
    self.set(instruction, float_unary(self, "ABS", self.leaf(arguments[0]), kind))


def _allocate(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    self.set(instruction, self.helper(Helper.ALLOCATE, self.leaf(arguments[0])))


def _free(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    """The heap of a module only grows."""


def _at_exit(self: Selector, instruction: Instruction, arguments: list[Value]) -> None:
    """Destructors of global objects never run: a module stays as it is until it is called again."""
    self.set(instruction, ZERO)


_LIBRARY: dict[str, Callable[[Selector, Instruction, list[Value]], None]] = {
    "memcpy": _copy,
    "memmove": _copy,
    "memset": _fill,
    "sqrt": _root,
    "sqrtf": _root,
    "fabs": _magnitude,
    "fabsf": _magnitude,
    "malloc": _allocate,
    "free": _free,
    "_Znwj": _allocate,
    "_Znaj": _allocate,
    "_ZdlPv": _free,
    "_ZdlPvj": _free,
    "_ZdaPv": _free,
    "_ZdaPvj": _free,
    "__cxa_atexit": _at_exit,
}


def lower_library_call(self: Selector, instruction: Instruction, name: str, arguments: list[Value]) -> None:
    """Lower a call of a function that is declared only. Raises LoweringError for a name the kernel does not have."""
    if instruction.function_type is not None and instruction.function_type.variadic:
        raise unsupported(f"@{name}", "variadic functions are not supported")
    handler = _LIBRARY.get(name)
    if handler is not None:
        handler(self, instruction, arguments)
    elif not lower_mathematics(self, instruction, name, arguments):
        known = ", ".join(sorted([*_LIBRARY, *_MATHEMATICS]))
        raise unsupported(f"@{name}", f"is not defined in the module, and the kernel only has {known}")
