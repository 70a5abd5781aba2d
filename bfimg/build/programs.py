"""The module programs that come with the kernel: `kernel/modules/modules.toml`, read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bfimg.errors import FormatError, NotFoundError
from bfimg.host_file import read_host_file

_U32_MAX = 0xFFFFFFFF


@dataclass(frozen=True)
class Program:
    """One program. `answer` is what its entry function returns for the argument `size`."""

    name: str
    summary: str
    size: int
    answer: int
    source: Path

    @property
    def entry(self) -> str:
        """Name of the function to call."""
        return f"{self.name}_main"


def load_programs(kernel: Path) -> tuple[Program, ...]:
    """The programs of the kernel in folder `kernel`. Raises InputError or FormatError when the list is bad."""
    path = kernel / "modules" / "modules.toml"
    data = read_host_file(path, hint="name a kernel folder")
    try:
        return tuple(_program(row, path.parent) for row in tomllib.loads(data.decode("utf-8"))["module"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise FormatError(f"is no list of modules: {error!r}", path=str(path), hint="mend it") from None


def _program(row: dict[str, Any], folder: Path) -> Program:
    """Raises KeyError, TypeError, ValueError or OverflowError for a row that is none."""
    name, size, answer = row["name"], int(row["size"]), int(row["answer"])
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise ValueError(f"name {name!r} is no C identifier")
    if not (0 <= size <= _U32_MAX and 0 <= answer <= _U32_MAX):
        raise ValueError(f"size or answer of {name} is outside 32 bits")
    return Program(name, row["summary"], size, answer, folder / f"{name}.c")


def choose(programs: tuple[Program, ...], names: tuple[str, ...] | None, field: str) -> tuple[Program, ...]:
    """The programs called `names`, all for None. Raises NotFoundError for a name that is none of them."""
    if names is None:
        return programs
    known = {program.name: program for program in programs}
    for name in names:
        if name not in known:
            raise NotFoundError(f"no module program {name!r}", field=field, hint=f"there are: {', '.join(known)}")
    return tuple(known[name] for name in names)
