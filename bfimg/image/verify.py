"""The last look before a commit: would the volumes still be sound, and does a second reader see them as we do?"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bfimg.errors import FormatError
from bfimg.fat.names import fold
from bfimg.fat.volume import FatVolume
from bfimg.image.probe import Region
from bfimg.image.store import Store

if TYPE_CHECKING:
    from bfimg.check import Finding


def verify(store: Store, regions: Sequence[Region]) -> None:
    """Check the pending state of FAT volumes.

    First our own check; then pyfatfs, which shares no code with us, has to list the same files with the same
    clusters. Damage that was there before does not stop a change, but keeps pyfatfs out, which hangs on some of it.
    Raises FormatError when the changes would add damage.
    """
    from bfimg.check import check_volume

    for region in regions:
        errors = _errors(check_volume(store, region.name, region.offset))
        if errors:
            before = {_identity(f) for f in _errors(check_volume(store.old_view(), region.name, region.offset))}
            for finding in errors:
                if _identity(finding) not in before:
                    raise FormatError(
                        f"the change would damage the volume: {finding.message}",
                        path=store.name,
                        field=finding.place,
                        hint="nothing was written; set has --raw for damage on purpose",
                    )
        else:
            _ask_pyfatfs(store, region)


def _errors(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]


def _identity(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.place


def _ask_pyfatfs(store: Store, region: Region) -> None:
    """Raises FormatError when pyfatfs does not see the files that we see."""
    volume = FatVolume(store, region.offset)
    ours = {fold(file.path): (file.item.size, volume.table.chain(file.item.first_cluster)) for file in volume.walk()}
    theirs = _pyfatfs_files(store, region)
    for path in ours.keys() | theirs.keys():
        if ours.get(path) != theirs.get(path):
            raise FormatError(
                f"pyfatfs reads {path} differently: {_shown(theirs.get(path))}, we {_shown(ours.get(path))}",
                path=store.name,
                field=f"{region.name}:{path}",
                hint="nothing was written; please report this",
            )


def _shown(entry: tuple[int, list[int]] | None) -> str:
    return "not at all" if entry is None else f"{entry[0]} bytes in {len(entry[1])} clusters"


def _pyfatfs_files(store: Store, region: Region) -> dict[str, tuple[int, list[int]]]:
    from pyfatfs.PyFat import PyFat

    volume = PyFat(encoding="cp437")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a dirty flag is our check's business
        volume.set_fp(_StoreFile(store, region))
    found: dict[str, tuple[int, list[int]]] = {}

    def visit(prefix: str, folder: Any) -> None:
        directories, files, _ = folder.get_entries()
        for entry in (*directories, *files):
            if str(entry) in (".", ".."):
                continue
            path = f"{prefix}/{entry}"
            first = entry.get_cluster()
            found[fold(path)] = (entry.filesize, list(volume.get_cluster_chain(first)) if first else [])
            if entry.is_directory():
                visit(path, entry)

    visit("", volume.root_dir)
    return found


class _StoreFile(io.RawIOBase):
    """A region of a store, pending changes included, as a read-only file."""

    def __init__(self, store: Store, region: Region) -> None:
        self._store = store
        self._region = region
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._region.size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        room = min(len(buffer), self._region.size - self._position)
        data = self._store.read(self._region.offset + self._position, max(room, 0))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
