"""``bfimg formats``."""

from __future__ import annotations

import click


@click.command("formats")
@click.argument("kind", type=click.Choice(["c", "crc", "asm", "doc", "ops", "svg"]))
def command(kind: str) -> None:
    """Generate C, assembler and reference text from the definitions.

    It goes to standard output. c: the kernel's header; crc: C source of the CRC routines; asm: constants and
    macros; doc: the reference page; ops: that of pattern programs; svg: a picture of the disk layout.

    Example: bfimg formats c > bf_formats.h
    """
    if kind == "c":
        from bfimg.codegen.c_header import c_header as generate
    elif kind == "crc":
        from bfimg.codegen.c_header import c_crc_source as generate
    elif kind == "asm":
        from bfimg.codegen.asm_header import asm_header as generate
    elif kind == "doc":
        from bfimg.codegen.reference import reference as generate
    elif kind == "ops":
        from bfimg.codegen.pattern_reference import pattern_reference as generate
    else:
        from bfimg.codegen.layout_svg import layout_svg as generate
    click.echo(generate(), nl=False)
