"""``bfimg doctor``."""

from __future__ import annotations

import click

from bfimg.cli.options import format_option
from bfimg.cli.terminal import print_json
from bfimg.errors import EXIT_FAILED
from bfimg.toolchain.tools import LEVELS, survey


@click.command("doctor")
@click.option("--packages", is_flag=True, help="Print only the Debian packages that are missing, one a line.")
@click.option("--for", "level", type=click.Choice(LEVELS), default=LEVELS[-1], help="Only what this needs.")
@format_option
@click.pass_context
def command(context: click.Context, packages: bool, level: str, output_format: str) -> None:
    """Show which external tools are here and which are missing.

    Exit code 1 when one is missing. Example: apt-get install $(bfimg doctor --packages)
    """
    statuses = survey(level)
    missing = [status.tool for status in statuses if status.path is None]
    if packages:
        for package in dict.fromkeys(tool.package for tool in missing):
            click.echo(package)
        return
    if output_format == "json":
        rows = [
            {"command": s.tool.command, "path": s.path, "package": s.tool.package, "needed_for": s.tool.needed_for}
            for s in statuses
        ]
        print_json({"schema_version": 1, "tools": rows})
    else:
        for status in statuses:
            place = status.path or f"missing: apt-get install {status.tool.package}"
            click.echo(f"{status.tool.command:18} {place}")
            click.echo(f"{'':18} {status.tool.needed_for}: {status.tool.purpose}")
    if missing:
        context.exit(EXIT_FAILED)
