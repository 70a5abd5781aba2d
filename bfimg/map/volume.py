"""What the bytes of a FAT volume are used for."""

from __future__ import annotations

from bfimg.errors import FormatError
from bfimg.fat.table import FREE
from bfimg.fat.volume import FatVolume, contiguous
from bfimg.formats.fat_boot_sector import FAT_FIRST_CLUSTER
from bfimg.map.report import FragmentedFile, Piece, Use, VolumeUse

_UNOWNED = 0
_CODES = {Use.FRAGMENTED: 1, Use.FILE: 2, Use.FOLDER: 3}


class VolumeSurvey:
    """Who owns each cluster of a volume. Damage never stops it: what cannot be followed is left out and counted.

    The work is linear in the clusters and files, however chains are linked.
    """

    def __init__(self, volume: FatVolume, region: str) -> None:
        self._volume = volume
        self._geometry = volume.geometry
        self._region = region
        self._owners = bytearray(volume.geometry.cluster_end)  # a code of _CODES for each cluster
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
        chain = self._follow(first)
        runs = list(contiguous(chain))
        fragmented = len(runs) > 1 and not is_directory
        self._own(chain, Use.FOLDER if is_directory else Use.FRAGMENTED if fragmented else Use.FILE)
        if fragmented:
            size = self._geometry.cluster_bytes
            start = self._volume.offset
            pieces = (Piece(start + self._geometry.cluster_offset(c), count * size) for c, count in runs)
            self._fragmented.append(FragmentedFile(self._region, path, tuple(pieces)))

    def _follow(self, first: int) -> list[int]:
        """The clusters of a chain up to its end, to damage, or to a cluster that another file owns."""
        table, end = self._volume.table, self._geometry.cluster_end
        chain: list[int] = []
        cluster = first
        while FAT_FIRST_CLUSTER <= cluster < end and self._owners[cluster] == _UNOWNED:
            self._owners[cluster] = _CODES[Use.FILE]
            chain.append(cluster)
            cluster = table[cluster]
        if first and not (chain and table.is_end(cluster)):
            self._damaged += 1
        return chain

    def _own(self, chain: list[int], use: Use) -> None:
        for first, count in contiguous(chain):
            self._owners[first : first + count] = bytes([_CODES[use]]) * count

    @property
    def end(self) -> int:
        """Byte offset in the image behind the volume's last cluster."""
        return self._volume.offset + self._geometry.cluster_offset(self._geometry.cluster_end)

    def uses(self, start: int, end: int) -> dict[Use, int]:
        """What the bytes `start` to `end` of the image, none behind `self.end`, are used for, and how many of each."""
        base, geometry = self._volume.offset, self._geometry
        found: dict[Use, int] = {}
        places = (
            (Use.RESERVED, 0, geometry.fat_offset()),
            (Use.FAT, geometry.fat_offset(), geometry.root_offset),
            (Use.FOLDER, geometry.root_offset, geometry.data_offset),
        )
        for use, first, last in places:
            size = min(end - base, last) - max(start - base, first)
            if size > 0:
                found[use] = size
        data = max(start - base, geometry.data_offset)
        if data < end - base:
            for use, size in self._cluster_uses(data, end - base).items():
                found[use] = found.get(use, 0) + size
        return found

    def _cluster_uses(self, start: int, end: int) -> dict[Use, int]:
        """The same for bytes of the volume that belong to clusters. A cluster in part counts by its share."""
        table, geometry = self._volume.table, self._geometry
        first = FAT_FIRST_CLUSTER + (start - geometry.data_offset) // geometry.cluster_bytes
        last = FAT_FIRST_CLUSTER + -(-(end - geometry.data_offset) // geometry.cluster_bytes)
        owned = self._owners[first:last]
        counts = {use: owned.count(code) for use, code in _CODES.items()}
        counts[Use.BAD] = table.count(table.end_mark - 8, first, last)
        counts[Use.FREE] = table.count(FREE, first, last)
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
