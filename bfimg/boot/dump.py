"""The kernel's `dump` events as text: programs, what each pass of its compiler made of a function, machine code."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bfimg.boot.serial_text import visible
from bfimg.errors import FormatError
from bfimg.pattern.decode import decode_blocks, decode_verified
from bfimg.pattern.disassemble import disassemble, disassemble_function, function_names
from bfimg.pattern.encode import encode_instruction
from bfimg.pattern.program import Registers
from bfimg.pattern.verify import VerifiedProgram, verify

_PROVEN = 1  # JIT_PROVEN in kernel/jit/body.h: the access needs no check
_BYTES_PER_LINE = 16
_OBJDUMP = ("objdump", "-D", "-b", "binary", "-m", "i386", "--no-show-raw-insn")
_OBJDUMP_HEAD = 7  # lines in front of the first instruction


def dump_lines(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines for the `dump` events of one run, in their order.

    Code is shown by objdump where that is installed, else as bytes. Raises FormatError for an event that is not what
    the kernel sends.
    """
    program: VerifiedProgram | None = None
    for event in events:
        if event["event"] != "dump":
            continue
        try:
            if "program" in event:
                program = verify(bytes.fromhex(event["program"]))
                yield visible(f"; {event['module']}: the program")
                yield from disassemble(decode_verified(program)).splitlines()
            elif program is not None:
                yield from _pass_lines(event, program)
        except (LookupError, TypeError, ValueError, RuntimeError) as error:  # RuntimeError: words end too early
            raise FormatError(f"a dump is wrong: {error!r}", hint="see the serial output: boot --transcript") from None


def _pass_lines(event: Mapping[str, Any], program: VerifiedProgram) -> Iterator[str]:
    where = f"; {event['module']}, function {event['function']} ({event['function_name']}), level {event['level']}"
    if "code" in event:
        code = bytes.fromhex(event["code"])
        yield visible(f"{where}: {len(code)} bytes of code")
        yield from _code_lines(code)
        return
    yield visible(f"{where}, after {event['pass']}")
    whole = decode_verified(program)
    blocks = decode_blocks(program, _words(event["words"]), bytes.fromhex(event["depths"]))
    function = replace(whole.functions[event["function"]], registers=Registers(*event["registers"]), blocks=blocks)
    instructions = (instruction for block in blocks for instruction in block.instructions)
    facts, word = bytes.fromhex(event.get("facts", "")), 0
    for line in disassemble_function(whole, function, function_names(whole)):
        is_instruction = line.startswith("  ")
        yield f"{line}  ; proven" if is_instruction and facts and facts[word] & _PROVEN else line
        if is_instruction:
            word += len(encode_instruction(next(instructions)))


def _words(text: str) -> tuple[int, ...]:
    data = bytes.fromhex(text)
    return tuple(int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4))


def _code_lines(code: bytes) -> Iterator[str]:
    objdump = shutil.which(_OBJDUMP[0])
    if objdump is None:
        for at in range(0, len(code), _BYTES_PER_LINE):
            yield f"{at:8x}:   {code[at : at + _BYTES_PER_LINE].hex(' ')}"
        return
    with tempfile.NamedTemporaryFile(prefix="bfimg-") as file:
        Path(file.name).write_bytes(code)
        text = subprocess.run([objdump, *_OBJDUMP[1:], file.name], capture_output=True, text=True, check=True).stdout
    yield from text.splitlines()[_OBJDUMP_HEAD:]
