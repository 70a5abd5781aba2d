"""The assembler's constants, and one macro for each structure that emits it field by field."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.codegen.c_header import BANNER
from bfimg.codegen.constants import defines
from bfimg.formats import catalogue
from bfimg.formats.structure import Structure

_DIRECTIVES = {"u8": ".byte", "u16": ".short", "u32": ".long", "u64": ".quad"}


def asm_header() -> str:
    """Text of ``bf_formats.inc``, for .S files (it needs the C preprocessor).

    ``bf_emit_kernel_header entry_offset=_start - base`` emits a whole structure: fields that are not named get
    their default value, byte fields are zero.
    """
    lines = [f"/* {BANNER} */"]
    lines += [define.line() for define in defines()]
    for module in catalogue.MODULES:
        for structure in catalogue.structures(module):
            if all(spec.is_integer or spec.kind in ("bytes", "text") for spec in structure.FIELDS):
                lines += ["", *_emit_macro(structure)]
    return "\n".join(lines) + "\n"


def _emit_macro(structure: type[Structure]) -> Iterator[str]:
    default = structure()
    parameters = [f"{spec.name}={int(getattr(default, spec.name)):#x}" for spec in structure.FIELDS if spec.is_integer]
    yield f".macro bf_emit_{structure.C_NAME} {', '.join(parameters)}"
    for spec in structure.FIELDS:
        if spec.is_integer:
            yield f"    {_DIRECTIVES[spec.kind]} \\{spec.name}"
        else:
            yield f"    .fill {spec.size}, 1, 0"
    yield ".endm"
