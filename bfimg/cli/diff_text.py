"""A difference for people and for programs. `diff`, `patch` and every dry run show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bfimg.cli.terminal import printable

if TYPE_CHECKING:
    from bfimg.diff.report import ByteRun, DiffReport, FieldChange, FileChange, RegionChange, Value
    from bfimg.image.probe import Region
    from bfimg.image.store import Store

_VALUE_SHOWN = 32
_RUNS_SHOWN = 8
_ROWS_SHOWN = 4096
_ROW = 16


def lines(report: DiffReport, stores: tuple[Store, Store] | None = None) -> Iterator[str]:
    """The report line by line; with the two images, also the differing bytes as hexadecimal rows."""
    if report.same:
        yield "no differences"
        return
    if report.old_size != report.new_size:
        yield f"size: {report.old_size} -> {report.new_size} bytes"
    for region in report.regions:
        yield _region(region)
    for field in report.fields:
        yield f"field {_field(field)}"
    for file in report.files:
        yield from _file(file)
    yield from (f"note: {printable(note)}" for note in report.notes)
    yield from _bytes(report, every_run=stores is not None)
    if stores is not None:
        yield from _rows(report, *stores)


def _region(change: RegionChange) -> str:
    places = [_place(region) for region in (change.old, change.new) if region is not None]
    return f"region {change.name} {change.kind}: {' -> '.join(places)}"


def _place(region: Region) -> str:
    short = ", cut short" if region.truncated else ""
    return f"{region.size} bytes at {region.offset:#x} ({region.note or region.content}{short})"


def _field(change: FieldChange) -> str:
    old, new = _value(change.old, change.old_name), _value(change.new, change.new_name)
    unit = f" {change.unit}" if change.unit else ""
    return f"{printable(change.path)}: {old} -> {new}{unit}"


def _value(value: Value, name: str) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, int):
        shown = f"{value} ({value:#x})" if value > 9 else str(value)
    else:
        shown = printable(value if len(value) <= _VALUE_SHOWN else value[:_VALUE_SHOWN] + "...") or '""'
    return f"{shown} {name}" if name else shown


def _file(change: FileChange) -> Iterator[str]:
    what = "directory" if change.is_directory else "file"
    where = printable(change.where)
    if change.kind == "moved":
        yield f"file {printable(change.old_where or '')} moved to {where}"
    elif change.kind == "changed":
        yield f"{what} {where} changed{_contents(change)}"
    else:
        size = change.old_size if change.new_size is None else change.new_size
        yield f"{what} {where} {change.kind}{'' if change.is_directory else f': {size} bytes'}"
    for field in change.entry:
        yield f"  {_field(field)}"
    for field in change.header:
        yield f"  field {_field(field)}"
    if change.payload_differing is not None:
        yield f"  payload: {_count(change.payload_differing)}"


def _contents(change: FileChange) -> str:
    parts = []
    if change.old_size != change.new_size:
        parts.append(f"{change.old_size} -> {change.new_size} bytes")
    if change.first_difference is not None:
        parts.append(f"{_count(change.differing)}, the first at {change.first_difference:#x} in it")
    return f": {'; '.join(parts)}" if parts else ""


def _count(number: int) -> str:
    return "1 byte differs" if number == 1 else f"{number} bytes differ"


def _bytes(report: DiffReport, every_run: bool) -> Iterator[str]:
    contents = report.contents
    if not contents.differing:
        return
    yield f"bytes: {_count(contents.differing)}, in {contents.run_count} run{'s'[: contents.run_count != 1]}"
    shown = contents.runs if every_run else contents.runs[:_RUNS_SHOWN]
    if not every_run:
        yield from (f"  {_run(run)}" for run in shown)
        if contents.run_count > len(shown):
            yield f"  and {contents.run_count - len(shown)} more; --bytes shows them"


def _run(run: ByteRun) -> str:
    place = f" in {run.region}" if run.region else ""
    return f"{run.offset:#010x}{place}: {run.differing} of {run.size} bytes"


def _rows(report: DiffReport, old: Store, new: Store) -> Iterator[str]:
    """Rows of 16 bytes that differ, old below new, until too many have been shown."""
    left = _ROWS_SHOWN
    last = -_ROW
    for run in report.contents.runs:
        yield _run(run)
        for offset in range(max(run.offset // _ROW * _ROW, last + _ROW), run.offset + run.size, _ROW):
            last = offset
            before, after = old.read(offset, _ROW), new.read(offset, _ROW)
            if before == after:
                continue
            if not left:
                yield f"only the first {_ROWS_SHOWN} rows are shown"
                return
            left -= 1
            yield f"- {_row(offset, before)}"
            yield f"+ {_row(offset, after)}"
    if report.contents.run_count > len(report.contents.runs):
        yield f"only the first {len(report.contents.runs)} runs are shown"


def _row(offset: int, data: bytes) -> str:
    from hexdump import hexdump

    row: str = next(hexdump(data, result="generator"))
    return f"{offset:08X}{row[8:]}"


def document(report: DiffReport) -> dict[str, Any]:
    """The report for JSON: integers as integers, the keys those of the dataclasses."""
    import dataclasses

    return {"same": report.same, **dataclasses.asdict(report)}
