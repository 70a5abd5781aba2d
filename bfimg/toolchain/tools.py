"""The external programs bfimg and its tests use, and the Debian package each comes from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bfimg.errors import ToolError

LEVELS = ("build", "boot", "test")  # each needs the tools of those before it, too


@dataclass(frozen=True)
class Tool:
    """`command` as found on PATH, the Debian `package` it comes from, what bfimg uses it for.

    needed_for: one of LEVELS.
    """

    command: str
    package: str
    needed_for: str
    purpose: str


TOOLS = (
    Tool("clang", "clang", "build", "compiles the kernel and modules, assembles the boot code"),
    Tool("ld.lld", "lld", "build", "links the kernel and modules"),
    Tool("qemu-system-i386", "qemu-system-x86", "boot", "boots images"),
    Tool("llvm-dis", "llvm", "test", "reads bitcode modules as an independent judge"),
    Tool("mdir", "mtools", "test", "reads FAT volumes as an independent judge"),
    Tool("fsck.fat", "dosfstools", "test", "checks FAT volumes as an independent judge"),
    Tool("fls", "sleuthkit", "test", "reads disks and volumes as an independent judge"),
    Tool("bmaptool", "bmap-tools", "test", "copies by block maps as an independent judge"),
    Tool("sfdisk", "fdisk", "test", "writes partition tables the tests read"),
    Tool("hexdump", "bsdextrautils", "test", "writes hexdumps that patch reads"),
    Tool("gcc", "gcc", "test", "proves that a second compiler builds the kernel"),
    Tool("g++", "g++", "test", "proves that a second compiler builds modules of C++"),
    Tool("ld", "binutils", "test", "proves that a second linker links the kernel"),
)


@dataclass(frozen=True)
class ToolStatus:
    """A tool and where it is; `path` is None when it is missing."""

    tool: Tool
    path: str | None


def survey(level: str = LEVELS[-1]) -> tuple[ToolStatus, ...]:
    """Every tool that `level` needs, with its place on PATH."""
    levels = LEVELS[: LEVELS.index(level) + 1]
    return tuple(ToolStatus(tool, shutil.which(tool.command)) for tool in TOOLS if tool.needed_for in levels)


def require(command: str) -> str:
    """Absolute path of an external program.

    Raises ToolError naming the command that installs it when it is not on PATH.
    """
    path = shutil.which(command)
    if path is None:
        package = next((tool.package for tool in TOOLS if tool.command == command), None)
        hint = f"install it: apt-get install {package}" if package else "install it, or put it on PATH"
        raise ToolError(f"{command} is not installed", hint=hint)
    return str(Path(path).absolute())  # PATH may hold relative folders, and tools run elsewhere
