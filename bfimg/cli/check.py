"""``bfimg check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bfimg.cli.images import IMAGE_RULE, STANDARD_STREAM, deliver, host_image
from bfimg.cli.options import default_image, dry_run_option, format_option, option
from bfimg.cli.terminal import echo, print_json
from bfimg.errors import (
    CHECK_LEFT,
    CHECK_OPERATIONAL,
    CHECK_REPAIRED,
    CHECK_USAGE,
    EXIT_DONE,
    BfimgError,
    UsageError,
)

if TYPE_CHECKING:
    from bfimg.check.repair import Repair
    from bfimg.check.report import CheckReport, Finding

_EXIT_RULE = (
    "Exit codes, as fsck(8), added up: 0 clean, 1 something was repaired, 4 something is left, 8 the image cannot be "
    "read or written, 16 usage. Example: bfimg check disk.img --repair"
)


class _FsckCommand(click.Command):
    """A command whose usage errors have the exit code of fsck(8)."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            echo(f"bfimg: {error.format_message().rstrip('.')}; see bfimg check --help", err=True)
            raise click.exceptions.Exit(CHECK_USAGE) from None


@click.command("check", cls=_FsckCommand, epilog=f"{IMAGE_RULE} {_EXIT_RULE}")
@click.argument("image", required=False)
@option("--repair", is_flag=True, help="Mend what can be mended safely, in one transaction.")
@option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the repaired image here instead."
)
@option("--codes", is_flag=True, envvar=None, help="Print the list of codes as Markdown and end.")
@dry_run_option
@format_option
def command(
    image: str | None, repair: bool, output: Path | None, codes: bool, dry_run: bool, output_format: str
) -> None:
    """Check the layout, boot chain, volumes, modules and cache of an image.

    Each finding has a code that never changes its meaning, a place, and what to do about it.

    Example: bfimg check disk.img
    """
    if codes:
        from bfimg.check.document import codes_page

        click.echo(codes_page(), nl=False)
        return
    try:
        code = _check(str(default_image(image)), repair, output, dry_run, output_format)
    except BfimgError as error:
        echo(f"bfimg: {error}", err=True)
        code = CHECK_USAGE if isinstance(error, UsageError) else CHECK_OPERATIONAL
    click.get_current_context().exit(code)


def _check(spec: str, repair: bool, output: Path | None, dry_run: bool, output_format: str) -> int:
    from bfimg.check.image import check_image
    from bfimg.image.store import Store

    if output is not None and not repair:
        raise UsageError("--output is for --repair", hint="leave it out")
    if spec == STANDARD_STREAM and repair and output is None:
        output = Path(STANDARD_STREAM)
    done: list[Repair] = []
    in_place = repair and not dry_run and output is None
    with host_image(spec) as (path, offset), Store.open(path, write=in_place, base=offset) as store:
        if repair:
            from bfimg.check.repair import repair as mend

            done = mend(store)
        report = check_image(store)
        if repair and not dry_run:
            if output is not None:
                deliver(output, store.commit)
            else:
                store.commit()
    # What goes to standard output there is the image.
    quiet = output is not None and str(output) == STANDARD_STREAM and not dry_run
    if not quiet and output_format == "json":
        print_json(_document(spec, report, done, dry_run))
    elif not quiet:
        _print_report(spec, report, done, dry_run)
    return _exit_code(report, done, dry_run)


def _exit_code(report: CheckReport, done: list[Repair], dry_run: bool) -> int:
    if dry_run and done:
        return CHECK_LEFT
    return (CHECK_REPAIRED if done else EXIT_DONE) | (EXIT_DONE if report.clean else CHECK_LEFT)


def _print_report(spec: str, report: CheckReport, done: list[Repair], dry_run: bool) -> None:
    verb = "would repair" if dry_run else "repaired"
    for mended in done:
        echo(f"{verb} {mended.code} {mended.place}: {mended.action}")
    for finding in report.findings:
        echo(f"{finding.code} {finding.place}: {finding.message}; {finding.remedy}")
    repairs = f"{len(done)} {verb.replace('repair', 'be repaired') if dry_run else verb}, " if done else ""
    if report.clean and not done:
        echo(f"{spec}: clean, {report.kind}")
    else:
        echo(f"{spec}: {repairs}{_count(report.findings)}")


def _count(findings: tuple[Finding, ...]) -> str:
    from bfimg.check.codes import Severity

    errors = sum(1 for finding in findings if finding.severity is Severity.ERROR)
    repairable = sum(1 for finding in findings if finding.repairable)
    text = f"{errors} errors and {len(findings) - errors} warnings left"
    return f"{text}, {repairable} of them repairable" if repairable else text


def _document(spec: str, report: CheckReport, done: list[Repair], dry_run: bool) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "image": spec,
        "kind": str(report.kind),
        "clean": report.clean,
        "dry_run": dry_run,
        "repairs": [{"code": mended.code, "place": mended.place, "action": mended.action} for mended in done],
        "findings": [
            {
                "code": finding.code,
                "severity": str(finding.severity),
                "place": finding.place,
                "offset": finding.offset,
                "message": finding.message,
                "remedy": finding.remedy,
                "repairable": finding.repairable,
            }
            for finding in report.findings
        ],
    }
