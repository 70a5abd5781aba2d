"""Walk all directories of a volume: every entry, every chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bfimg.check import codes
from bfimg.check.chains import Chain, Chains
from bfimg.check.codes import Code
from bfimg.check.folder import DOTS, LONG_NAME_ZEROS, MOST_DEPTH, Entry, Folder, Spot, entries_of, is_legal_name
from bfimg.check.report import Collector, Fix, Stage
from bfimg.fat.directory import SLOT_SIZE
from bfimg.fat.geometry import Geometry
from bfimg.fat.volume import FatVolume
from bfimg.formats.fat_directory import FAT_ENTRY_FREE, DirectoryEntry, FatAttribute
from bfimg.image.store import Store
from bfimg.module.files import is_module_file

_ATTRIBUTES = DirectoryEntry.offset_of("attributes")
_HIGH = DirectoryEntry.offset_of("first_cluster_high")
_LOW = DirectoryEntry.offset_of("first_cluster_low")
_SIZE = DirectoryEntry.offset_of("file_size")
_MOST_MODULES = 10_000
_MOST_NAMED = 16  # every chain is compared with the clusters whose owner is to be named


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A module file whose chain is sound. `offset` is that of its directory entry."""

    place: str
    offset: int
    first_cluster: int
    size: int


class Tree:
    """What the directories hold.

    `check` fills `found`; `label`, `modules` and `met` (the clusters where cross-links were met) are known afterwards.
    crossed: `met` of a walk before. A walk that knows it names the owners of the first of them, and ends no chain in
    clusters that two files have.
    """

    def __init__(
        self,
        store: Store,
        region: str,
        offset: int,
        geometry: Geometry,
        chains: Chains,
        crossed: Sequence[int] = (),
    ) -> None:
        self.found = Collector()
        self.label: bytes | None = None
        self.modules: list[ModuleFile] = []
        self.met: list[int] = []
        self._crossed = frozenset(crossed)
        self._watched = set(crossed[:_MOST_NAMED])
        self._owners: dict[int, str] = {}
        self._store = store
        self._region = region
        self._offset = offset
        self._geometry = geometry
        self._chains = chains
        self._waiting: list[Folder] = []

    def check(self) -> None:
        """Visit every directory that can be reached, each once."""
        root = self._root()
        if root is not None:
            self._waiting.append(root)
        while self._waiting:
            self._visit(self._waiting.pop())

    def _root(self) -> Folder | None:
        cluster = self._geometry.root_cluster
        if self._geometry.bits != 32:
            return Folder("", None, 0, 0, 0)
        if not self._chains.in_volume(cluster):
            self.found.add(codes.ROOT_CHAIN, f"{self._region}.bpb.root_cluster", None, f"is {cluster}")
            return None
        chain = self._chains.take(cluster, 0)
        self._note_owner(f"{self._region}:/")
        if chain.problem is not None:
            self.found.add(codes.ROOT_CHAIN, f"{self._region}:/", None, self._chain_message(chain))
        return Folder("", None, cluster, chain.length, 0)

    # Directories

    def _visit(self, folder: Folder) -> None:
        data, clusters = self._read(folder)
        shorts: set[bytes] = set()
        longs: set[str] = set()

        def offset_of(slot: int) -> int:
            position = slot * SLOT_SIZE
            if not clusters:
                return self._offset + self._geometry.root_offset + position
            number, within = divmod(position, self._geometry.cluster_bytes)
            return self._offset + self._geometry.cluster_offset(clusters[number]) + within

        def report(code: Code, slot: int, count: int) -> None:
            self._slots(code, folder, [offset_of(number) for number in range(slot, slot + count)])

        if folder.depth and not self._dots_present(folder, data, offset_of(0)):
            return
        for entry in entries_of(data, report):
            spot = Spot(self._region, folder, entry, offset_of(entry.slot))
            if folder.depth and entry.slot < len(DOTS) and entry.raw_name == DOTS[entry.slot]:
                self._dot(spot)
            elif entry.is_label:
                self._label(spot)
            else:
                self._name(spot, shorts, longs)
                self._entry(spot)

    def _read(self, folder: Folder) -> tuple[bytes, list[int]]:
        """The bytes of a directory, and its clusters: none for a fixed root directory."""
        geometry = self._geometry
        if folder.cluster == 0:
            data = self._store.read(self._offset + geometry.root_offset, geometry.root_bytes)
            return data[: len(data) // SLOT_SIZE * SLOT_SIZE], []
        most = max(FatVolume.most_directory_bytes // geometry.cluster_bytes, 1)
        if folder.length > most:
            message = f"{folder.length} clusters, {most} hold 65,536 entries"
            self.found.add(codes.TOO_MANY_ENTRIES, self._place(folder), None, message)
        clusters = list(self._chains.follow(folder.cluster, min(folder.length, most)))
        parts = (
            self._store.read(self._offset + geometry.cluster_offset(cluster), geometry.cluster_bytes)
            for cluster in clusters
        )
        return b"".join(part.ljust(geometry.cluster_bytes, b"\0") for part in parts), clusters

    def _place(self, folder: Folder) -> str:
        return f"{self._region}:{folder.path}/"

    def _slots(self, code: Code, folder: Folder, offsets: list[int]) -> None:
        """What is wrong with some slots in a row that are no entries of files."""
        count = len(offsets)
        fix = None
        if code is codes.ORPHANED_NAME:
            message = f"{count} long-name {'part belongs' if count == 1 else 'parts belong'} to no file"
            fix = Fix(Stage.ENTRIES, "removed", tuple((at, bytes([FAT_ENTRY_FREE])) for at in offsets))
        elif code is codes.LONG_NAME_FIELD:
            message = "type or first cluster of a long-name part is not 0"
            writes = tuple((start + at, zeros) for start in offsets for at, zeros in LONG_NAME_ZEROS)
            fix = Fix(Stage.ENTRIES, "set to 0", writes)
        else:
            message = f"{count} {'entry' if count == 1 else 'entries'} behind the end of the directory"
        self.found.add(code, self._place(folder), offsets[0], message, fix)

    def _dots_present(self, folder: Folder, data: bytes, offset: int) -> bool:
        """False where neither entry is there: then this is hardly a directory."""
        present = 0
        for slot, raw in enumerate(DOTS):
            if data[slot * SLOT_SIZE : slot * SLOT_SIZE + len(raw)] == raw:
                present += 1
            else:
                message = f"entry {slot + 1} is not `{raw.decode().rstrip()}`"
                self.found.add(codes.DOT_ENTRIES, self._place(folder), offset, message)
        return present > 0

    def _dot(self, spot: Spot) -> None:
        """`.` holds the directory's own first cluster, `..` its parent's; 0 stands for the root."""
        folder, entry = spot.folder, spot.entry
        assert folder.parent is not None
        above = 0 if folder.parent.parent is None else folder.parent.cluster
        wanted = (folder.cluster, above)[entry.slot]
        found = self._first_cluster(entry)
        if not entry.is_directory:
            self.found.add(codes.DOT_CLUSTER, spot, spot.offset, "is marked as a file", _mark_directory(spot))
        if found != wanted:
            fix = Fix(Stage.ENTRIES, f"first cluster set to {wanted}", _set_first(spot, wanted))
            self.found.add(codes.DOT_CLUSTER, spot, spot.offset, f"leads to cluster {found}, not {wanted}", fix)
        if entry.size:
            self._directory_size(spot, _clear_size(spot))

    def _label(self, spot: Spot) -> None:
        entry = spot.entry
        in_root = spot.folder.parent is None
        if entry.size or entry.low or entry.high or entry.is_directory:
            kind = "label and directory" if entry.is_directory else "label"
            message = f"{kind}, size {entry.size}, first cluster {self._first_cluster(entry)}"
            self.found.add(codes.LABEL_DATA, spot, spot.offset, message)
        elif not in_root or self.label is not None:
            fix = Fix(Stage.ENTRIES, "removed", ((spot.offset, bytes([FAT_ENTRY_FREE])),))
            message = "a second label" if in_root else "a label outside the root directory"
            self.found.add(codes.LABEL_ENTRY, spot, spot.offset, message, fix)
        elif not is_legal_name(entry.raw_name):
            self._bad_name(spot)
        if in_root and self.label is None:
            self.label = entry.raw_name

    def _name(self, spot: Spot, shorts: set[bytes], longs: set[str]) -> None:
        """The names of an entry by themselves and among those before it in its directory."""
        raw, long_name = spot.entry.raw_name, spot.entry.long_name.casefold()
        if not is_legal_name(raw):
            self._bad_name(spot)
        if raw in shorts or long_name in longs:
            self.found.add(codes.DUPLICATE, spot, spot.offset, "the directory has the name twice")
        shorts.add(raw)
        if long_name:
            longs.add(long_name)

    def _bad_name(self, spot: Spot) -> None:
        message = f"8.3 name {spot.entry.raw_name!r} has characters FAT does not allow"
        self.found.add(codes.BAD_NAME, spot, spot.offset, message)

    # Files and directories in a directory

    def _first_cluster(self, entry: Entry) -> int:
        return entry.low | (entry.high << 16 if self._geometry.bits == 32 else 0)

    def _entry(self, spot: Spot) -> None:
        if spot.entry.high and self._geometry.bits != 32:
            fix = Fix(Stage.ENTRIES, "set to 0", ((spot.offset + _HIGH, b"\0\0"),))
            message = f"high half is {spot.entry.high:#x}, must be 0"
            self.found.add(codes.HIGH_WORD, spot, spot.offset, message, fix)
        first = self._first_cluster(spot.entry)
        if not self._chains.in_volume(first) and (first or spot.entry.is_directory):
            message = f"first cluster is {first}, the volume has 2 to {self._chains.end - 1}"
            self.found.add(codes.BAD_START, spot, spot.offset, message)
        elif spot.entry.is_directory:
            self._directory(spot, first)
        elif first and not spot.entry.size and self._holds_folder(first):
            message = "its cluster holds a directory"
            self.found.add(codes.MARKED_AS_FILE, spot, spot.offset, message, _mark_directory(spot))
            self._directory(spot, first)
        else:
            self._file(spot, first)

    def _directory(self, spot: Spot, first: int) -> None:
        if spot.entry.size:
            # Else it may be a file, whose size is all that is known of it.
            self._directory_size(spot, _clear_size(spot) if self._holds_folder(first) else None)
        chain = self._take(spot, first, 1)
        if chain.problem is not None:
            self.found.add(chain.problem, spot, spot.offset, self._chain_message(chain))
        if chain.length == 0:
            return
        below = Folder(spot.entry.name, spot.folder, first, chain.length, spot.folder.depth + 1)
        if below.depth == MOST_DEPTH + 1:
            self.found.add(codes.TOO_DEEP, spot, spot.offset, f"is deeper than {MOST_DEPTH} levels")
        self._waiting.append(below)

    def _holds_folder(self, cluster: int) -> bool:
        """True for a cluster that begins with `.`, leading to itself, and `..`."""
        data = self._store.read(self._offset + self._geometry.cluster_offset(cluster), len(DOTS) * SLOT_SIZE)
        names = tuple(data[slot * SLOT_SIZE : slot * SLOT_SIZE + len(raw)] for slot, raw in enumerate(DOTS))
        return names == DOTS and int.from_bytes(data[_LOW : _LOW + 2], "little") == cluster & 0xFFFF

    def _directory_size(self, spot: Spot, fix: Fix | None) -> None:
        self.found.add(codes.DIRECTORY_SIZE, spot, spot.offset, f"size is {spot.entry.size}, must be 0", fix)

    def _file(self, spot: Spot, first: int) -> None:
        expected = -(-spot.entry.size // self._geometry.cluster_bytes)
        chain = self._take(spot, first, expected) if first else Chain(0)
        if chain.problem is not None or chain.length != expected:
            self._wrong_length(spot, first, chain, expected)
        elif _may_be_module(spot.entry) and is_module_file(spot.entry.name) and len(self.modules) < _MOST_MODULES:
            self.modules.append(ModuleFile(str(spot), spot.offset, first, spot.entry.size))

    def _take(self, spot: Spot, first: int, expected: int) -> Chain:
        chain = self._chains.take(first, expected)
        if chain.problem is codes.CROSS_LINK:
            self.met.append(chain.at)
        if self._watched:
            self._note_owner(str(spot))
        return chain

    def _note_owner(self, place: str) -> None:
        """Remember `place` for the watched clusters that were taken just now."""
        taken = {cluster for cluster in self._watched if self._chains.is_taken(cluster)}
        self._watched -= taken
        self._owners |= dict.fromkeys(taken, place)

    def _chain_message(self, chain: Chain) -> str:
        assert chain.problem is not None
        where = f"after {chain.length} clusters" if chain.length else "at once"
        owner = self._owners.get(chain.at, "another file or directory")
        return f"chain {where} {_CHAIN_MESSAGES[chain.problem].format(at=chain.at, owner=owner)}"

    def _wrong_length(self, spot: Spot, first: int, chain: Chain, expected: int) -> None:
        """A chain that is damaged, too long or too short.

        Where what the size needs is sound and no one else's, the chain can end there, whatever follows. Clusters
        behind are lost then, and are freed only once nothing else is damaged.
        """
        held = chain.length * self._geometry.cluster_bytes
        message = f"size is {spot.entry.size} bytes, its {chain.length} clusters hold {held}"
        cut = None
        if chain.length >= expected and self._crossed.isdisjoint(self._chains.follow(first, expected)):
            if expected:
                cut = Fix(Stage.ENTRIES, "chain ended at its size", ends=(self._chains.nth(first, expected),))
            else:
                cut = Fix(Stage.ENTRIES, "first cluster set to 0", _set_first(spot, 0))
        if chain.problem is not None:
            self.found.add(chain.problem, spot, spot.offset, self._chain_message(chain), cut)
        elif chain.length > expected:
            self.found.add(codes.TOO_LONG, spot, spot.offset, message, cut)
        else:
            writes = ((spot.offset + _SIZE, held.to_bytes(4, "little")),)
            self.found.add(codes.TOO_SHORT, spot, spot.offset, message, Fix(Stage.SIZES, f"size cut to {held}", writes))


def _set_first(spot: Spot, cluster: int) -> tuple[tuple[int, bytes], ...]:
    """Writes that set the first cluster of an entry."""
    high, low = divmod(cluster, 1 << 16)
    return ((spot.offset + _HIGH, high.to_bytes(2, "little")), (spot.offset + _LOW, low.to_bytes(2, "little")))


def _clear_size(spot: Spot) -> Fix:
    return Fix(Stage.ENTRIES, "size set to 0", ((spot.offset + _SIZE, bytes(4)),))


def _mark_directory(spot: Spot) -> Fix:
    attributes = bytes([spot.entry.attributes | FatAttribute.DIRECTORY])
    return Fix(Stage.ENTRIES, "marked as a directory", ((spot.offset + _ATTRIBUTES, attributes),))


def _may_be_module(entry: Entry) -> bool:
    """False where the name need not be looked at: it is neither .MOD nor .BC."""
    return bool(entry.long_name) or entry.raw_name[8:] in (b"MOD", b"BC ")


_CHAIN_MESSAGES: dict[Code, str] = {
    codes.LOOP: "comes back to its own cluster {at}",
    codes.CROSS_LINK: "goes on at cluster {at}, which belongs to {owner}",
    codes.OUT_OF_RANGE: "goes on at cluster {at}, which the volume does not have",
    codes.INTO_FREE: "goes on at cluster {at}, which is free",
    codes.INTO_BAD: "goes on at cluster {at}, which is marked bad",
}
