"""Check one FAT volume: boot sector, copies of the FAT, every chain and directory, FSInfo.

Source: Microsoft FAT Specification (2005).
"""

from __future__ import annotations

from bfimg.check import codes
from bfimg.check.boot_sector import check_backup, check_fields, check_fsinfo, check_label, check_state, unusable
from bfimg.check.chains import Chains
from bfimg.check.entries import read_entries
from bfimg.check.report import Collector, Finding, Fix, Stage
from bfimg.check.tree import ModuleFile, Tree
from bfimg.errors import FormatError
from bfimg.fat.geometry import FatBootSector, Geometry, geometry_of, read_boot_sector
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.store import Store

_CHUNK = 1 << 20


def check_volume(store: Store, region: str, offset: int) -> list[Finding]:
    """Everything wrong with the volume that begins `offset` bytes into the image, pending changes included.

    region: its name, which begins each place. Damage never raises.
    """
    return VolumeCheck(store, region, offset).found.findings


class VolumeCheck:
    """The check of one volume, done when the object is made.

    found: findings and fixes. geometry, chains: None when the boot sector makes no volume. modules: files to look into.
    """

    def __init__(self, store: Store, region: str, offset: int) -> None:
        self.found = Collector()
        self.geometry: Geometry | None = None
        self.chains: Chains | None = None
        self.modules: list[ModuleFile] = []
        self.offset = offset
        self._store = store
        self._region = region
        try:
            boot = read_boot_sector(store.read(offset, SECTOR_SIZE), path=store.name, offset=offset)
            geometry = geometry_of(boot, path=store.name, offset=offset)
        except FormatError as error:
            unusable(store, region, offset, error, self.found)
        else:
            self._volume(boot, geometry)
        self.found.close(region)

    def _volume(self, boot: FatBootSector, geometry: Geometry) -> None:
        check_fields(boot, geometry, self._region, self.offset, self.found)
        if self.offset + geometry.total_bytes > self._store.size:
            # What is missing would turn up again as damage of many kinds.
            message = f"volume of {geometry.total_bytes} bytes, the image has {self._store.size - self.offset} for it"
            self.found.add(codes.VOLUME_TOO_LONG, f"{self._region}.bpb", self.offset, message)
            return
        self.geometry = geometry
        self.chains, tree = self._walk(geometry, 0)
        self._copies(geometry, tree)
        self.found.take(tree.found)
        self.modules = tree.modules
        boot_place = (self._store, boot, geometry, self._region, self.offset)
        check_label(boot, tree.label, self._region, self.offset, self.found)
        check_backup(*boot_place, self.found)
        check_fsinfo(*boot_place, self.chains.free_count, self.found)
        check_state(boot, geometry, self.chains, self._region, self.offset, self.found)

    def _walk(self, geometry: Geometry, copy: int) -> tuple[Chains, Tree]:
        """Follow everything by one copy of the FAT; lost clusters are among the findings."""
        entries = read_entries(self._store, self.offset, geometry, copy)
        chains = Chains(entries, geometry.bits)
        tree = Tree(self._store, self._region, self.offset, geometry, chains)
        tree.check()
        if tree.met:
            # Once more, now that it is known which clusters two files have.
            chains = Chains(entries, geometry.bits)
            tree = Tree(self._store, self._region, self.offset, geometry, chains, tree.met)
            tree.check()
            tree.found.withhold(codes.TOO_SHORT)
        tree.found.close(self._region)
        lost = sum(1 for _ in chains.lost())
        if lost:
            tree.found.withhold(codes.TOO_SHORT)
            message = f"{lost} clusters of {geometry.cluster_bytes} bytes are in use, but no file has them"
            fix = Fix(Stage.LOST, f"{lost} clusters freed", free_lost=True)
            # They may be the rest of what is damaged.
            doubtful = tree.found.has_errors() or tree.found.has(codes.BEHIND_END)
            tree.found.add(codes.LOST, self._region, None, message, None if doubtful else fix)
        return chains, tree

    def _copies(self, geometry: Geometry, first: Tree) -> None:
        """Compare the second FAT with the first. The copy by which all chains are sound is right."""
        if geometry.fat_count < 2:
            return
        starts = [self.offset + geometry.fat_offset(copy) for copy in range(2)]
        size = -(-geometry.cluster_end * geometry.bits // 8)
        different = _first_difference(self._store, starts[0], starts[1], size)
        if different is None:
            return
        fix = None
        second = None
        if not _by_table(first.found):
            fix = Fix(Stage.TABLE_COPY, "FAT 1 copied over FAT 2", copy=(starts[0], starts[1], size))
        else:
            _, second = self._walk(geometry, 1)
            if not _by_table(second.found):
                fix = Fix(Stage.TABLE_COPY, "FAT 2 copied over FAT 1", copy=(starts[1], starts[0], size))
        if fix is None:
            # Mending chains by a copy that may be the wrong one would make things worse.
            first.found.withhold_all()
        cluster = different * 8 // geometry.bits
        message = f"FAT 2 differs from FAT 1 from cluster {cluster} on"
        self.found.add(codes.COPIES_DIFFER, self._region, starts[1] + different, message, fix)

    def contents(self, first: int, size: int) -> bytes:
        """The bytes of a file whose chain is sound."""
        assert self.geometry is not None and self.chains is not None
        geometry = self.geometry
        clusters = self.chains.follow(first, -(-size // geometry.cluster_bytes))
        parts = (
            self._store.read(self.offset + geometry.cluster_offset(cluster), geometry.cluster_bytes)
            for cluster in clusters
        )
        return b"".join(parts)[:size]


def _by_table(found: Collector) -> bool:
    """True when there are findings that another content of the FAT would not have."""
    return any(finding.code.startswith("FAT2") for finding in found.findings)


def _first_difference(store: Store, one: int, other: int, size: int) -> int | None:
    """Where two stretches of `size` bytes begin to differ, counted from their start; None when they are equal."""
    for start in range(0, size, _CHUNK):
        count = min(_CHUNK, size - start)
        left, right = store.read(one + start, count), store.read(other + start, count)
        if left != right:
            return start + next(i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b)
    return None
