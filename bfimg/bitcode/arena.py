"""Where global variables lie in a program's memory, and what is there at the start."""

from __future__ import annotations

from bfimg.bitcode.constants import NOWHERE, Constants, unsupported
from bfimg.bitcode.ir import GlobalVariable, Module, Zero
from bfimg.formats.pattern_program import ARENA_START

# Tables of what LLVM itself is to know; no code reads them.
_FOR_LLVM = ("llvm.used", "llvm.compiler.used")


def place_globals(module: Module) -> tuple[dict[str, int], int]:
    """Address of each global variable, and the address behind the last one.

    What begins as zeros comes last, so that it need not be stored. Raises LoweringError for a variable that is
    declared only.
    """
    addresses: dict[str, int] = {}
    end = int(ARENA_START)
    for variable in sorted(_variables(module), key=lambda variable: isinstance(variable.initial, Zero)):
        if variable.initial is None:
            raise unsupported(f"variable {variable.name}", "is declared but not defined in the module")
        end = -(-end // variable.alignment) * variable.alignment
        addresses[variable.name] = end
        end += module.layout.size(variable.type)
    return addresses, end


def initial_data(module: Module, constants: Constants) -> bytes:
    """The bytes from ARENA_START on, without the zeros at the end."""
    data = bytearray()
    for variable in _variables(module):
        if variable.initial is None or isinstance(variable.initial, Zero):
            continue
        start = constants.addresses[variable.name] - ARENA_START
        part = constants.data(variable.initial)
        data.extend(bytes(max(0, start + len(part) - len(data))))
        data[start : start + len(part)] = part
    return bytes(data).rstrip(b"\0")


def _variables(module: Module) -> list[GlobalVariable]:
    return [variable for name, variable in module.variables.items() if name not in (*_FOR_LLVM, *NOWHERE)]
