"""Entry point: finds the verb, loads only its module, turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import importlib
import os
import sys

import click

from bfimg import __version__
from bfimg.cli.argument_files import expand
from bfimg.cli.options import COMPLETE_VARIABLE
from bfimg.cli.terminal import echo, termination_raises
from bfimg.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, BfimgError

# Verb -> one-line help. Kept here so that --help loads no verb; a test compares it with each verb's own text.
VERBS = {
    "add": "Copy host files and folders into an image.",
    "add-module": "Wrap a module and put it on the image's FAT volume.",
    "boot": "Boot an image in QEMU and judge what it does.",
    "build": "Build an image from kernel sources and files.",
    "cat": "Write files, regions or fields of an image to standard output.",
    "check": "Check the layout, boot chain, volumes, modules and cache of an image.",
    "completion": "Print the script that completes bfimg's arguments in a shell.",
    "diff": "Show what differs between two images: regions, fields, files, bytes.",
    "doctor": "Show which external tools are here and which are missing.",
    "extract": "Copy files and folders of an image to the host.",
    "formats": "Generate C, assembler and reference text from the definitions.",
    "get": "Print fields of an image.",
    "inspect": "Show regions, fields, files and modules of an image.",
    "ls": "List files on the FAT volumes of an image.",
    "map": "Draw an image as sectors, by region, with what is used, free and fragmented.",
    "mkdir": "Make folders in an image.",
    "mkfs": "Make an empty FAT12, FAT16 or FAT32 volume.",
    "module": "Show, wrap, lower, verify and run module files.",
    "mv": "Rename or move files and folders in an image.",
    "patch": "Change an image as a patch file says, if it has the bytes the patch expects.",
    "profile": "Show what the kernel measured: modules, functions, calls; or compare two runs.",
    "rm": "Remove files and folders from an image.",
    "rm-module": "Remove modules from an image's FAT volume.",
    "set": "Set fields of an image.",
}


EXIT_RULE = "Exit codes: 0 done, 1 failed or 'no', 2 usage or unreadable input."


class _Verbs(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"bfimg.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        if "xit code" not in f"{command.help}{command.epilog}":
            command.epilog = f"{command.epilog or ''} {EXIT_RULE}".strip()
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(sorted(VERBS.items()))


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"{EXIT_RULE} An argument @FILE stands for the "
    "lines of FILE, one argument each; @@ for a plain @. Example: bfimg build -o disk.img",
)
@click.version_option(__version__, prog_name="bfimg")
def cli() -> None:
    """Image surgery for bare-metal builds: build, inspect, patch and boot disk images."""


def main() -> None:
    """Run the command line; never ends in a traceback for an error bfimg raises on purpose."""
    if COMPLETE_VARIABLE in os.environ:
        from bfimg.cli.completion import complete

        complete(cli, os.environ[COMPLETE_VARIABLE])
        return
    with termination_raises():
        try:
            # Without standalone mode click returns the code of `context.exit(code)`; a verb itself returns None.
            code = cli.main(list(expand(sys.argv[1:])), "bfimg", standalone_mode=False) or EXIT_DONE
            sys.stdout.flush()
        except BfimgError as error:
            echo(f"bfimg: {error}", err=True)
            code = error.exit_code
        except click.Abort:
            echo("bfimg: interrupted", err=True)
            code = EXIT_FAILED
        except click.ClickException as error:
            echo(f"bfimg: {_one_line(error)}", err=True)
            code = EXIT_USAGE
        except OSError as error:
            code = _output_failed(error)
    sys.exit(code)


def _one_line(error: click.ClickException) -> str:
    """A usage error with the command that explains the usage."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = " ".join(error.format_message().split()).rstrip(".")
    return f"{message}; see {context.command_path} --help" if context is not None else message


def _output_failed(error: OSError) -> int:
    """Standard output went away or is full. Any other OSError is a defect, and stays a traceback."""
    if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EIO):
        raise error
    # What is still buffered cannot be written: keep the interpreter from trying once more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno != errno.EPIPE:  # a reader that has gone needs no message
        echo(f"bfimg: standard output cannot be written: {error.strerror}", err=True)
    return EXIT_FAILED
