"""``bfimg completion``: the scripts, and what they ask bfimg for while someone types."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from bfimg.cli.options import COMPLETE_VARIABLE, default_image
from bfimg.cli.terminal import printable
from bfimg.errors import BfimgError

if TYPE_CHECKING:
    from bfimg.image.image import Image

_PROGRAM = "bfimg"
_FIELD_VERBS = ("get", "set")
_FILES_FIRST = ("add",)  # verbs whose arguments are host files before they are places
_IMAGES_AND_FILES = ("image", "old", "new", "file", "files", "layout")
_PLACES = ("where", "arguments")


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes bfimg's arguments in a shell.

    Verbs, options, regions, fields and the files on an image's volumes are completed.
    For bash and zsh put this into ~/.bashrc or ~/.zshrc: eval "$(bfimg completion bash)".
    For fish: bfimg completion fish > ~/.config/fish/completions/bfimg.fish

    Example: eval "$(bfimg completion bash)"
    """
    from bfimg.cli.main import cli

    click.echo(_SHELLS[shell](cli, {}, _PROGRAM, COMPLETE_VARIABLE).source(), nl=False)


def complete(cli: click.Command, instruction: str) -> None:
    """Answer a shell: `instruction` is what the script put into the environment, such as ``bash_complete``."""
    shell = instruction.partition("_")[0]
    if shell in _SHELLS:
        click.echo(_SHELLS[shell](cli, {}, _PROGRAM, COMPLETE_VARIABLE).complete())


class _Places(ShellComplete):
    """Completion of click's kind that also knows images and the places in them."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        if args and isinstance(self.cli, click.Group):
            verb = self.cli.get_command(click.Context(self.cli), args[0])
            for parameter in verb.params if verb is not None else ():
                if parameter.name in _IMAGES_AND_FILES:
                    parameter.type = _FileType()
                elif parameter.name in _PLACES:
                    parameter.type = _PlaceType()
        return super().get_completions(args, incomplete)


class _FileType(click.types.StringParamType):
    """A host file, completed by the shell."""

    name = "file"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
        return [CompletionItem(incomplete, type="file")]


class _PlaceType(click.types.StringParamType):
    """A WHERE in the image that the arguments before it name; the image itself where that comes first."""

    name = "place"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
        files = [CompletionItem(incomplete, type="file")]
        image, given = ctx.params.get("image"), ctx.params.get("arguments") or ()
        if image is None and param.name == "arguments":
            if not given and not (":" in incomplete or incomplete.startswith("/")):
                return files
            image = given[0] if given else None
        if ctx.info_name in _FILES_FIRST and not incomplete:
            return files
        try:
            found = list(_places(image, incomplete, fields=ctx.info_name in _FIELD_VERBS))
        except (BfimgError, OSError):
            found = []  # nobody asked bfimg anything: an error message would spoil the prompt
        return [CompletionItem(value) for value in found if value == printable(value)] or files


def _places(spec: str | None, incomplete: str, *, fields: bool) -> Iterator[str]:
    """The places in an image that begin with `incomplete`, one level deep."""
    from bfimg.image.image import open_image
    from bfimg.image.journal import journal_path
    from bfimg.image.spec import parse_image

    path, offset = parse_image(default_image(spec))
    if not path.is_file() or journal_path(path).exists():
        return  # opening an image with a journal changes it, which completion must not
    with open_image(path, offset=offset) as image:
        region, colon, folder = incomplete.rpartition(":")
        if colon or incomplete.startswith("/"):
            yield from _files(image, f"{region}{colon}", folder)
        elif "." in incomplete:
            yield from _fields(image, incomplete)
        else:
            for found in image.regions:
                if found.name.startswith(incomplete):
                    yield found.name + ("." if fields else ":/" if found.content == "fat" else "")


def _files(image: Image, prefix: str, path: str) -> Iterator[str]:
    """What is in the folder that `path` names so far. Folders end with a slash."""
    folder, _, start = path.rpartition("/")
    for found in image.list_folder(f"{prefix}{folder}/"):
        name = found.file.item.name
        if name.casefold().startswith(start.casefold()):
            yield f"{prefix}{folder}/{name}" + ("/" if found.file.item.is_directory else "")


def _fields(image: Image, incomplete: str) -> Iterator[str]:
    """The next part of each field path; a dot at its end says that more follows."""
    region = incomplete.partition(".")[0].partition("[")[0]
    seen: set[str] = set()
    for field in image.field.find(region):
        if field.path.startswith(incomplete):
            end = field.path.find(".", len(incomplete))
            value = field.path if end < 0 else field.path[: end + 1]
            if value not in seen:
                seen.add(value)
                yield value


# Bash splits words at colons, so `part1:/A` reaches a completion function as three words, and a reply replaces only
# the last one. So the script hands over the line as typed, and replies lack what stands before the last such mark.
_BASH = """\
%(complete_func)s() {
    local response type value
    response=$(_BFIMG_LINE="${COMP_LINE:0:COMP_POINT}" _BFIMG_BREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default -o bashdefault ;;
            plain) COMPREPLY+=("$value"); [[ $value == *[/.:] ]] && compopt -o nospace ;;
        esac
    done <<< "$response"
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
_BREAKS = ":=@"
_SPECIAL = re.compile(r"([^\w@%+=:,./-])")


class _Bash(_Places, BashComplete):
    source_template = _BASH

    def source(self) -> str:
        return self.source_template % self.source_vars()  # click's runs bash to ask for its version

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("_BFIMG_LINE", "")
        words = split_arg_string(line)[1:]
        fresh = not words or (line[-1:].isspace() and not line.endswith("\\ "))
        self._incomplete = "" if fresh else words.pop()
        return words, self._incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        value = str(item.value)
        breaks = [mark for mark in _BREAKS if mark in os.environ.get("_BFIMG_BREAKS", "")]
        begins = max((self._incomplete.rfind(mark) + 1 for mark in breaks), default=0)
        if item.type == "plain" and value[:begins] == self._incomplete[:begins]:
            value = value[begins:]
        escaped = _SPECIAL.sub(r"\\\1", value)
        return f"{item.type},{escaped}"


class _Zsh(_Places, ZshComplete):
    pass


class _Fish(_Places, FishComplete):
    pass


_SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
