"""The modules that are part of the kernel image, as a C file for the kernel to be linked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bfimg.codegen.c_header import BANNER

EMBEDDED_NAME = "bf_embedded.c"
_BYTES_PER_LINE = 16


@dataclass(frozen=True, slots=True)
class EmbeddedModule:
    """A whole ``.mod`` file for the kernel image."""

    name: str
    data: bytes


def embedded_source(modules: Sequence[EmbeddedModule]) -> str:
    """Text of ``bf_embedded.c``: the table that kernel/loader/embedded.h declares, one row a module.

    C knows no empty table: without modules it has a row that `bf_embedded_count` does not count.
    """
    lines = [f"/* {BANNER} */", '#include "loader/embedded.h"']
    rows = []
    for index, module in enumerate(modules):
        lines += ["", f"/* {module.name} */", f"static const uint8_t module_{index}[] = {{"]
        for at in range(0, len(module.data), _BYTES_PER_LINE):
            lines.append("    " + " ".join(f"{byte}," for byte in module.data[at : at + _BYTES_PER_LINE]))
        lines.append("};")
        rows.append(f"    {{module_{index}, sizeof module_{index}}},")
    lines += ["", "const struct embedded_module bf_embedded[] = {", *(rows or ["    {0, 0},"]), "};"]
    lines.append(f"const uint32_t bf_embedded_count = {len(rows)};")
    return "\n".join(lines) + "\n"
