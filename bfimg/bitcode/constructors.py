"""Constructors of global objects, which C++ runs before `main`: here, when a module is first called."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TABLE = re.compile(r"^@llvm\.global_ctors = .*$\n", re.MULTILINE)
_ENTRY = re.compile(r"\{ i32 (\d+), ptr (@[-\w.$]+|@\"[^\"]*\"), ptr [^}]*\}")
_START = """
@bfimg.started = internal global i8 0
define internal void @bfimg.start() {{
  %started = load i8, ptr @bfimg.started
  %first = icmp eq i8 %started, 0
  br i1 %first, label %run, label %done
run:
  store i8 1, ptr @bfimg.started
{calls}
  br label %done
done:
  ret void
}}
"""


def call_constructors(text: str, keep: Sequence[str]) -> str:
    """The assembly with the constructors called, once, at the beginning of each function that can be called.

    Assembly without constructors is given back as it is.
    """
    table = _TABLE.search(text)
    if table is None:
        return text
    constructors = sorted(_ENTRY.findall(table[0]), key=lambda entry: int(entry[0]))
    calls = "\n".join(f"  call void {name}()" for _, name in constructors)
    text = text[: table.start()] + text[table.end() :] + _START.format(calls=calls)
    for name in keep:
        # Behind the allocas, which have to stay in the first block when the call is inlined.
        header = re.compile(
            rf'^define [^@\n]*@"?{re.escape(name)}"?\([^\n]*\{{\n(?:\S[^\n]*:[^\n]*\n)?(?:  %\S+ = alloca [^\n]*\n)*',
            re.MULTILINE,
        )
        text = header.sub(lambda match: match[0] + "  call void @bfimg.start()\n", text, count=1)
    return text
