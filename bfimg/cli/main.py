"""Entry point: finds the verb, loads only its module, turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import sys

import click

from bfimg import __version__
from bfimg.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, BfimgError

# Verb -> one-line help. Kept here so that --help loads no verb; a test compares it with each verb's own text.
VERBS = {
    "add-module": "Wrap a module and put it on the image's FAT volume.",
    "boot": "Boot an image in QEMU and judge what it does.",
    "build": "Build an image from kernel sources and files.",
    "doctor": "Show which external tools are here and which are missing.",
    "formats": "Generate C, assembler and reference text from the definitions.",
    "inspect": "Show regions, fields, files and modules of an image.",
}


class _Verbs(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"bfimg.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(sorted(VERBS.items()))


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed or 'no', 2 usage or unreadable input. Example: bfimg build -o disk.img",
)
@click.version_option(__version__, prog_name="bfimg")
def cli() -> None:
    """Image surgery for bare-metal builds: build, inspect, patch and boot disk images."""


def main() -> None:
    """Run the command line; never ends in a traceback for an error bfimg raises on purpose."""
    try:
        # Without standalone mode click returns the code of `context.exit(code)`; a verb itself returns None.
        sys.exit(cli.main(standalone_mode=False) or EXIT_DONE)
    except BfimgError as error:
        click.echo(f"bfimg: {error}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("bfimg: interrupted", err=True)
        sys.exit(EXIT_FAILED)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody to tell.
        sys.stderr.close()
        sys.exit(EXIT_FAILED)
