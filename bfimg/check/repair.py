"""Mend what a check found, where that is safe. Changes stay pending in the store; the caller commits.

What is safe: no byte of any file is lost that could still be reached, and nothing is guessed.
- Copies of the FAT: one by which every chain is sound replaces the other. When neither is, no chain is touched.
- A chain that goes on behind its file's size ends there. A size beyond its chain is cut, unless clusters are lost,
  which may be the end of the file; for the same reason lost clusters are freed only when every file is whole.
- Fields that repeat others: FSInfo, backup boot sector, label, `.` and `..`, sizes of directories, entries 0 and 1.
- A CRC is computed anew only when another checksum proves the bytes it covers: a CRC that merely fits would turn
  damage into good data.
- The dirty mark is cleared when nothing else is wrong with the volume.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.check.entries import write_entries
from bfimg.check.image import ImageCheck
from bfimg.check.report import Planned
from bfimg.check.volume import VolumeCheck
from bfimg.image.store import Store

# Each round does one stage and looks again. A round that mends a thousand of a kind may leave more of it.
_MOST_ROUNDS = 100
_CHUNK = 1 << 20
_MOST_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was mended. place: a WHERE. action: what was done."""

    code: str
    place: str
    action: str


def repair(store: Store) -> list[Repair]:
    """Mend what is safe to mend, as pending changes, and say what was done; nothing when all is well."""
    done: list[Repair] = []
    for _ in range(_MOST_ROUNDS):
        check = ImageCheck(store)
        plans = list(_next_stage(check))
        if not plans:
            break
        for volume, plan in plans:
            _apply(store, volume, plan)
            done.append(Repair(plan.code, plan.place, plan.fix.action))
    return done


def _next_stage(check: ImageCheck) -> Iterator[tuple[VolumeCheck | None, Planned]]:
    """The plans of the earliest stage that has any, volume by volume."""
    for volume, plans in check.planned():
        stage = min((plan.fix.stage for plan in plans), default=None)
        for plan in plans:
            if plan.fix.stage == stage:
                yield volume, plan


def _apply(store: Store, volume: VolumeCheck | None, plan: Planned) -> None:
    fix = plan.fix
    for offset, data in fix.writes:
        store.write(offset, data)
    if fix.copy is not None:
        source, target, size = fix.copy
        for start in range(0, size, _CHUNK):
            store.write(target + start, store.read(source + start, min(_CHUNK, size - start)))
    if volume is None or volume.geometry is None or volume.chains is None:
        return
    place = (store, volume.offset, volume.geometry)
    for cluster in fix.ends:
        write_entries(*place, cluster, [volume.chains.end_mark])
    for cluster, value in fix.entries:
        write_entries(*place, cluster, [value])
    if fix.free_lost:
        for first, count in _runs(volume.chains.lost()):
            write_entries(*place, first, [0] * count)


def _runs(clusters: Iterator[int]) -> Iterator[tuple[int, int]]:
    """(first, count) of neighbours in ascending numbers, a few hundred together."""
    first = count = 0
    for cluster in clusters:
        if count and cluster == first + count and count < _MOST_AT_ONCE:
            count += 1
            continue
        if count:
            yield first, count
        first, count = cluster, 1
    if count:
        yield first, count
