"""Which QEMU to run, and its command line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bfimg.boot.options import BootOptions
from bfimg.errors import ToolError
from bfimg.formats.boot_protocol import DEBUG_EXIT_PORT, HOST_CONFIG_FILE, NONCE_FILE
from bfimg.toolchain.tools import require

# Either runs a 32-bit guest; the smaller one first.
PROGRAMS = ("qemu-system-i386", "qemu-system-x86_64")
PROGRAM_VARIABLE = "BFIMG_QEMU"
DEBUG_EXIT_PORT_BYTES = 4


def find_qemu(chosen: str | None = None) -> str:
    """Path of the QEMU to run: `chosen`, else the environment variable BFIMG_QEMU, else one on PATH.

    Raises ToolError when it is not there; the message names the package that has it.
    """
    named = chosen or os.environ.get(PROGRAM_VARIABLE)
    if named:
        path = shutil.which(named)
        if path is None:
            raise ToolError(
                "this QEMU is not there, or is not executable",
                path=named,
                hint=f"correct or unset {PROGRAM_VARIABLE}" if chosen is None else "name another program",
            )
        return path
    for program in PROGRAMS:
        if path := shutil.which(program):
            return path
    return require(PROGRAMS[0])


def qemu_command(options: BootOptions, qemu: str, nonce: str) -> tuple[str, ...]:
    """Arguments that boot `options.image`, with the serial port on standard output.

    `nonce` reaches the guest as the fw_cfg file NONCE_FILE, out of the image's own reach.
    """
    command = [
        qemu,
        # The same machine for everybody: no settings file of the host, no network card, no CD-ROM.
        *("-no-user-config", "-nodefaults"),
        # A KVM device may be there and yet be slower, and counts no instructions.
        *("-accel", "tcg", "-M", options.machine, "-m", str(options.memory_mib)),
        *("-vga", "std", "-display", "none", "-monitor", "none", "-serial", "stdio"),
        # A reset, so also a triple fault, ends the run with status 0 instead of booting again.
        "-no-reboot",
        *("-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize={DEBUG_EXIT_PORT_BYTES}"),
        *("-fw_cfg", f"name={NONCE_FILE},string={nonce}"),
    ]
    if config := options.host_config:
        command += ["-fw_cfg", f"name={HOST_CONFIG_FILE},string={_value(config)}"]
    if options.cpu is not None:
        command += ["-cpu", options.cpu]
    if options.icount:
        # An RTC on the host's clock makes the BIOS take another path now and then.
        command += ["-icount", "shift=0,sleep=off", "-rtc", "base=2000-01-01T00:00:00,clock=vm"]
    if options.floppy:
        command += ["-drive", _drive(options.image, "floppy", 0, options.keep_writes), "-boot", "order=a"]
    else:
        command += ["-drive", _drive(options.image, "ide", 0, options.keep_writes)]
    if options.slave is not None:
        command += ["-drive", _drive(options.slave, "ide", 1)]
    return tuple(command)


def _drive(path: Path, interface: str, index: int, keep_writes: bool = False) -> str:
    # An absolute path is never taken for an option or a protocol such as `nbd:`.
    # With snapshot=on QEMU opens the file read-only and drops what the guest writes.
    file = _value(str(path.absolute()))
    snapshot = "off" if keep_writes else "on"
    return f"file={file},format=raw,if={interface},index={index},snapshot={snapshot}"


def _value(text: str) -> str:
    """A value among others in an argument: a comma would end it, a doubled one is a comma."""
    return text.replace(",", ",,")
