"""The programs of the fixed patterns as a C header, so that the kernel compiles them as it does any other program."""

from __future__ import annotations

from bfimg.codegen.c_header import BANNER
from bfimg.formats.pattern import PatternType
from bfimg.pattern.encode import encode_program
from bfimg.pattern.fixed import fixed_program


def fixed_patterns_header() -> str:
    """Text of ``bf_patterns.h``: an X-macro of pattern types and the bytes of their programs."""
    lines = [f"/* {BANNER} */", "#pragma once", "", "/* X(type, bytes of its program...) */"]
    lines.append("#define BF_FIXED_PATTERNS(X) \\")
    for kind in PatternType:
        if kind is not PatternType.CUSTOM:
            program = encode_program(fixed_program(kind))
            lines.append(f"    X({kind.name}, {', '.join(map(str, program))}) \\")
    return "\n".join(lines) + "\n\n"
