"""``bfimg boot``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bfimg.cli.options import IMAGE_RULE, default_image, format_option, option
from bfimg.cli.terminal import echo, print_json
from bfimg.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from bfimg.boot import ModuleResult, Terminal
    from bfimg.boot.promotion import CompiledFunction

_TIMEOUT = 30.0  # seconds, but for interactive runs
_STANDARD_INPUT = 0  # file descriptor
_EPILOG = f"""{IMAGE_RULE}

The image passes only when its kernel proves that it booted (it echoes a number drawn for this run), reports
that it is done without failure, and every --expect is found. A match does not end the run early. An image
without modules passes; the last line then says so: `passed: no modules run`. What the kernel sends as lines
for programs is shown as a table, its export not at all; --transcript has it all.

--config has a line of BAREFLOW.CFG, such as iterations=100, which goes before those on the volume. --keys has
names of QEMU, such as `l r 1 ret shift-a q`; each key is pressed when the kernel waits for one.

Exit codes: 0 passed, 1 failed, 2 usage, unreadable input, or a QEMU that is missing or does not start.
Example: bfimg boot disk.img --expect 'sha256.*OK' --timeout 10"""


@click.command("boot", epilog=_EPILOG)
@click.argument("image", required=False)
@option("--slave", metavar="FILE", help="A second disk, attached as ATA slave.")
@option("--timeout", type=float, metavar="SECONDS", help="Limit of the run: 30 by default, none when interactive.")
# No environment variable: a list in one would be cut at the spaces in a regular expression.
@option("--expect", multiple=True, metavar="RE", envvar=None, help="Some serial line must match; repeatable.")
@option("--icount", is_flag=True, help="Count instructions, not time: cycle counts repeat.")
@option("--floppy", is_flag=True, help="Attach the image as floppy disk and boot from that.")
@option("--memory", type=int, default=32, show_default=True, metavar="MIB", help="Guest memory, 4 to 3584.")
@option("--machine", metavar="NAME", default="pc", show_default=True, help="QEMU machine type.")
@option("--cpu", metavar="NAME", help="QEMU CPU model; QEMU's own choice by default.")
@option("--config", multiple=True, metavar="KEY=VALUE", envvar=None, help="Set what the kernel does; repeatable.")
@option("--interactive", is_flag=True, help="The kernel's menu, on this terminal; Ctrl-C ends the run.")
@option("--keys", metavar="NAMES", help="The kernel's menu, with these keys pressed.")
@option("--keep-writes", is_flag=True, help="The kernel changes the image itself, not a copy: its JIT cache lasts.")
@option("--profile", metavar="FILE", help="Write what the kernel measured to this file.")
@option("--dump", metavar="FILE", help="Write what each pass of the kernel's compiler made to this file.")
@option("--transcript", metavar="FILE", help="Write the serial output, unchanged, to this file.")
@format_option
@option("-q", "--quiet", is_flag=True, help="Print only the verdict.")
def command(
    image: str | None,
    slave: str | None,
    timeout: float | None,
    expect: tuple[str, ...],
    icount: bool,
    floppy: bool,
    memory: int,
    machine: str,
    cpu: str | None,
    config: tuple[str, ...],
    interactive: bool,
    keys: str | None,
    keep_writes: bool,
    profile: str | None,
    dump: str | None,
    transcript: str | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Boot an image in QEMU and judge what it does.

    The image is not written, unless --keep-writes says so. QEMU is the one BFIMG_QEMU names, else
    qemu-system-i386 on PATH.
    """
    from bfimg.boot import BootOptions, boot
    from bfimg.boot.promotion import compiled_functions
    from bfimg.boot.traps import trap_places

    options = BootOptions(
        image=default_image(image),
        slave=Path(slave) if slave else None,
        timeout=_TIMEOUT if timeout is None and not interactive else timeout,
        expect=expect,
        icount=icount,
        memory_mib=memory,
        machine=machine,
        cpu=cpu,
        transcript=Path(transcript) if transcript else None,
        floppy=floppy,
        config=config,
        interactive=interactive,
        keys=_key_names(keys),
        keep_writes=keep_writes,
        profile=Path(profile) if profile else None,
        dump=Path(dump) if dump else None,
    )
    live = output_format == "human" and not quiet
    if interactive:
        report = boot(options, terminal=_terminal(output_format))
    else:
        report = boot(options, on_line=_line_printer() if live else None)
    if output_format == "json":
        import dataclasses

        print_json({"schema_version": 1, **dataclasses.asdict(report)})
    else:
        if live and report.modules:
            _show_modules(report.modules, trap_places(report.events))
            _show_functions(compiled_functions(report.events))
        verdict = f"passed: {report.reason}, {report.seconds:.2f} s"
        echo(verdict if report.passed else f"failed: {report.reason}")
    if not report.passed:
        raise SystemExit(EXIT_FAILED)


def _key_names(keys: str | None) -> tuple[str, ...]:
    if keys is None:
        return ()
    names = tuple(keys.split())
    if not names:
        raise UsageError("--keys names no key", hint="such as --keys 'l q'")
    return names


def _terminal(output_format: str) -> Terminal:
    from bfimg.boot import Terminal

    if output_format == "json":
        raise UsageError("an interactive run has no output for programs", hint="leave out --format json")
    if not sys.stdout.isatty():
        raise UsageError("an interactive run needs a terminal for its output", hint="use --transcript to keep it")
    encoding = sys.stdout.encoding

    def show(text: str) -> None:
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding), nl=False)

    return Terminal(_STANDARD_INPUT, show)


def _line_printer() -> Callable[[str], None]:
    from bfimg.boot.people_text import PeopleFilter

    wants = PeopleFilter().wants

    def show(line: str) -> None:
        if wants(line):
            echo(line)

    return show


def _show_modules(modules: tuple[ModuleResult, ...], places: Mapping[str, str]) -> None:
    rows = [("module", "kind", "status", "answer", "cycles", "note")]
    rows += [
        (
            module.name,
            module.kind or "",
            module.status,
            "" if module.answer is None else f"{module.answer:#010x}",
            "" if module.cycles is None else f"{module.cycles:,}",
            _note(module, places),
        )
        for module in modules
        if module.status != "not selected"
    ]
    _print_table(rows, ("<", "<", "<", "<", ">", "<"))


def _show_functions(functions: tuple[CompiledFunction, ...]) -> None:
    from bfimg.boot.promotion import promotion_text

    rows = [
        (
            "module",
            "function",
            "level",
            "calls",
            "code bytes",
            "compile cycles",
            "cycles before",
            "cycles after",
            "better code",
        )
    ]
    rows += [
        (
            function.module,
            function.function_name,
            f"{function.level}",
            f"{function.calls:,}",
            f"{function.code_bytes:,}",
            f"{function.compile_cycles:,}",
            "" if function.cycles_before is None else f"{function.cycles_before:,}",
            "" if function.cycles_after is None else f"{function.cycles_after:,}",
            promotion_text(function.promotions),
        )
        for function in functions
    ]
    _print_table(rows, ("<", "<", ">", ">", ">", ">", ">", ">", "<"))


def _print_table(rows: Sequence[Sequence[str]], alignments: Sequence[str]) -> None:
    """Nothing when there is only the row of titles."""
    if len(rows) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    click.echo()
    for row in rows:
        cells = (f"{cell:{side}{width}}" for cell, side, width in zip(row, alignments, widths, strict=True))
        echo("  ".join(cells).rstrip())


def _note(module: ModuleResult, places: Mapping[str, str]) -> str:
    if module.reason is not None:
        place = places.get(module.name) if module.kind == "bitcode" and module.status == "stopped" else None
        return module.reason if place is None else f"{module.reason} in {place}"
    if module.expected is not None and module.answer != module.expected:
        return f"expected {module.expected:#010x}"
    calls, first, last = module.calls, module.first_cycles, module.last_cycles
    if calls is None or calls == 1 or first is None or last is None:
        return ""
    return f"{calls:,} calls: {first:,} cycles at first, {last:,} at last"
