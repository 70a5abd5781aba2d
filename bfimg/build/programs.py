"""The module programs that come with the kernel: `kernel/modules/modules.toml`, read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from bfimg.errors import FormatError, InputError, NotFoundError


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
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["module"]
        return tuple(
            Program(row["name"], row["summary"], int(row["size"]), int(row["answer"]), path.parent / f"{row['name']}.c")
            for row in rows
        )
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path), hint="name a kernel folder") from None
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"is no list of modules: {error!r}", path=str(path), hint="mend it") from None


def choose(programs: tuple[Program, ...], names: tuple[str, ...] | None, field: str) -> tuple[Program, ...]:
    """The programs called `names`, all for None. Raises NotFoundError for a name that is none of them."""
    if names is None:
        return programs
    known = {program.name: program for program in programs}
    for name in names:
        if name not in known:
            raise NotFoundError(f"no module program {name!r}", field=field, hint=f"there are: {', '.join(known)}")
    return tuple(known[name] for name in names)
