"""What the bytes of a FAT volume are used for."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.errors import FormatError
from bfimg.fat.table import FREE
from bfimg.fat.volume import FatVolume
from bfimg.formats.fat_boot_sector import FAT_FIRST_CLUSTER
from bfimg.map.report import FragmentedFile, Piece, Use, VolumeUse

_PAGE_SHIFT = 16
_PAGE_CLUSTERS = 1 << _PAGE_SHIFT
_UNOWNED = 0
_CODES = {Use.FRAGMENTED: 1, Use.FILE: 2, Use.FOLDER: 3}
Run = tuple[int, int]  # first cluster, number of neighbours


class _Owners:
    """What owns each cluster: a code of _CODES, or _UNOWNED. Held in pages that appear when they are written."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def take(self, cluster: int) -> bool:
        """Make a file the owner of a cluster; False when it has an owner."""
        number, index = cluster >> _PAGE_SHIFT, cluster & _PAGE_CLUSTERS - 1
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = bytearray(_PAGE_CLUSTERS)
        if page[index] != _UNOWNED:
            return False
        page[index] = _CODES[Use.FILE]
        return True

    def give(self, run: Run, use: Use) -> None:
        """Change the owner of clusters that have been taken."""
        for number, first, last in _pages(run[0], run[0] + run[1]):
            self._pages[number][first:last] = bytes([_CODES[use]]) * (last - first)

    def counts(self, start: int, end: int) -> dict[Use, int]:
        """How many of the clusters `start` to `end` each use owns."""
        found = dict.fromkeys(_CODES, 0)
        for number, first, last in _pages(start, end):
            page = self._pages.get(number)
            if page is not None:
                for use, code in _CODES.items():
                    found[use] += page.count(code, first, last)
        return found


def _pages(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(page, first index, end index) of each page between two clusters."""
    while start < end:
        number = start >> _PAGE_SHIFT
        last = min(end, number + 1 << _PAGE_SHIFT)
        yield number, start - (number << _PAGE_SHIFT), last - (number << _PAGE_SHIFT)
        start = last


class VolumeSurvey:
    """Who owns each cluster of a volume. Damage never stops it: what cannot be followed is left out and counted.

    The work is linear in the clusters and files, however chains are linked.
    """

    def __init__(self, volume: FatVolume, region: str) -> None:
        self._volume = volume
        self._geometry = volume.geometry
        self._region = region
        fat, root, self._data = self._geometry.fat_offset(), self._geometry.root_offset, self._geometry.data_offset
        self._places = ((Use.RESERVED, 0, fat), (Use.FAT, fat, root), (Use.FOLDER, root, self._data))
        self._owners = _Owners()
        self._files = 0
        self._damaged = 0
        self._fragmented: list[FragmentedFile] = []
        self._walk_problem = ""
        if self._geometry.bits == 32:
            self._own(self._follow(self._geometry.root_cluster), Use.FOLDER)
        try:
            for file in volume.walk():
                self._files += not file.item.is_directory
                self._file(file.path, file.item.first_cluster, file.item.is_directory)
        except FormatError as error:
            self._walk_problem = error.message

    def _file(self, path: str, first: int, is_directory: bool) -> None:
        runs = self._follow(first)
        if is_directory:
            self._own(runs, Use.FOLDER)
        elif len(runs) > 1:
            self._own(runs, Use.FRAGMENTED)
            start, size = self._volume.offset, self._geometry.cluster_bytes
            pieces = (Piece(start + self._geometry.cluster_offset(c), count * size) for c, count in runs)
            self._fragmented.append(FragmentedFile(self._region, path, tuple(pieces)))

    def _follow(self, first: int) -> list[Run]:
        """The runs of a chain up to its end, to damage, or to a cluster that another file owns."""
        table, end = self._volume.table, self._geometry.cluster_end
        runs: list[Run] = []
        cluster = first
        while FAT_FIRST_CLUSTER <= cluster < end and self._owners.take(cluster):
            start, count = runs[-1] if runs else (cluster, 0)
            if cluster == start + count:
                runs[-1:] = [(start, count + 1)]
            else:
                runs.append((cluster, 1))
            cluster = table[cluster]
        if first and not (runs and table.is_end(cluster)):
            self._damaged += 1
        return runs

    def _own(self, runs: list[Run], use: Use) -> None:
        for run in runs:
            self._owners.give(run, use)

    @property
    def end(self) -> int:
        """Byte offset in the image behind the volume's last cluster."""
        return self._volume.offset + self._geometry.cluster_offset(self._geometry.cluster_end)

    def uses(self, start: int, end: int) -> dict[Use, int]:
        """What the bytes `start` to `end` of the image, none behind `self.end`, are used for, and how many of each."""
        start, end = start - self._volume.offset, end - self._volume.offset
        found: dict[Use, int] = {}
        if start < self._data:
            for use, first, last in self._places:
                if start < last and first < end:
                    found[use] = min(end, last) - max(start, first)
        for first, last in _parts(max(start - self._data, 0), end - self._data, self._geometry.cluster_bytes):
            for use, size in self._cluster_uses(first, last).items():
                found[use] = found.get(use, 0) + size
        return found

    def _cluster_uses(self, start: int, end: int) -> dict[Use, int]:
        """The same for bytes behind the start of the data that are whole clusters, or lie within one."""
        table, size = self._volume.table, self._geometry.cluster_bytes
        first = FAT_FIRST_CLUSTER + start // size
        last = FAT_FIRST_CLUSTER + -(-end // size)
        counts = self._owners.counts(first, last)
        table[first]  # holds this part of the FAT for the cells to come
        counts[Use.FREE] = table.count(FREE, first, last)
        if counts[Use.FREE] < last - first:
            counts[Use.BAD] = table.count(table.end_mark - 8, first, last)
            # A file that runs into a free or bad cluster owns it for us, too; then nothing of the cell is lost.
            counts[Use.LOST] = max(last - first - sum(counts.values()), 0)
        return {use: count * (end - start) // (last - first) for use, count in counts.items() if count}

    def summary(self) -> VolumeUse:
        """The volume as a whole."""
        problems = [self._walk_problem] if self._walk_problem else []
        if self._damaged:
            problems.append(f"{self._damaged} damaged cluster chains")
        return VolumeUse(
            region=self._region,
            files=self._files,
            cluster_bytes=self._geometry.cluster_bytes,
            cluster_count=self._geometry.cluster_count,
            free_clusters=self._volume.table.free_count,
            fragmented=tuple(self._fragmented),
            problem="; ".join(problems),
        )


def _parts(start: int, end: int, unit: int) -> Iterator[tuple[int, int]]:
    """`start` to `end`, cut at the first and the last multiple of `unit` in between."""
    head = min(-(-start // unit) * unit, end)
    tail = max(end // unit * unit, head)
    for first, last in ((start, head), (head, tail), (tail, end)):
        if first < last:
            yield first, last
