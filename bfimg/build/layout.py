"""What an image is made of: the layout file (TOML), read and checked.

The default layout is `samples/layouts/default.toml`, which also documents every key.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any

from bfimg.errors import FormatError, UsageError
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.host_file import read_host_file
from bfimg.units import parse_size

_MOST_SECTORS = 1 << 28  # LBA28, which the kernel's ATA driver speaks


@dataclass(frozen=True)
class FileSpec:
    """A file for the volume: from the host (`source`) or with `text` as its contents."""

    target: str
    source: Path | None
    text: str | None


@dataclass(frozen=True)
class Layout:
    """A checked layout. Sizes in bytes; None leaves a choice to the build."""

    origin: str
    image_size: int
    disk_signature: int | None
    kernel_sources: Path
    kernel_pad_to: int
    embedded_modules: tuple[str, ...] | None  # None: all
    volume_label: str
    volume_id: int | None
    sectors_per_cluster: int
    root_entries: int
    native_modules: tuple[str, ...] | None
    bitcode_modules: tuple[str, ...] | None
    instrumented_modules: tuple[str, ...] | None
    files: tuple[FileSpec, ...] = field(default=())


def kernel_sources() -> Path:
    """The folder of the bundled kernel sources."""
    return Path(str(files("bfimg.kernel")))


def default_layout() -> Layout:
    """The bundled default layout."""
    return load_layout(Path(str(files("bfimg.samples"))) / "layouts" / "default.toml")


def load_layout(path: Path) -> Layout:
    """Read a layout file; relative paths in it count from its folder.

    Raises InputError when it cannot be read, FormatError naming the key that is wrong.
    """
    data = read_host_file(path, hint="name a layout file")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is no TOML: {error}", path=str(path), hint="mend the layout") from None
    root = _Table(document, str(path), "")
    image, kernel, volume, modules = (root.table(name) for name in ("image", "kernel", "volume", "modules"))
    layout = Layout(
        origin=str(path),
        image_size=image.size("size", None),
        disk_signature=image.integer("disk_signature", None, 0, 0xFFFFFFFF),
        kernel_sources=kernel.host_path("sources", path.parent) or kernel_sources(),
        kernel_pad_to=kernel.size("pad_to", 0),
        embedded_modules=kernel.names("embedded"),
        volume_label=volume.text("label", ""),
        volume_id=volume.integer("volume_id", None, 0, 0xFFFFFFFF),
        sectors_per_cluster=volume.integer("sectors_per_cluster", 0, 0, 128) or 0,
        root_entries=volume.integer("root_entries", 512, 16, 65_520) or 0,
        native_modules=modules.names("native"),
        bitcode_modules=modules.names("bitcode"),
        instrumented_modules=modules.names("instrument"),
        files=tuple(_file(table, path.parent) for table in root.tables("file")),
    )
    for table in (image, kernel, volume, modules, root):
        table.refuse_rest()
    if layout.image_size % SECTOR_SIZE or not 0 < layout.image_size // SECTOR_SIZE <= _MOST_SECTORS:
        raise image.wrong("size", f"{layout.image_size} bytes are no whole sectors up to 128 GiB")
    if layout.root_entries % 16:
        raise volume.wrong("root_entries", f"{layout.root_entries} entries do not fill whole sectors of 16")
    return layout


def _file(table: _Table, folder: Path) -> FileSpec:
    target, source, text = table.text("to", ""), table.host_path("from", folder), table.text("text", None)
    table.refuse_rest()
    if not target:
        raise table.wrong("to", "is missing: the path on the volume")
    if (source is None) == (text is None):
        raise table.wrong("from", "give either from or text")
    return FileSpec("/" + target.strip("/"), source, text)


class _Table:
    """A TOML table whose keys are taken one by one; what is left over is an error."""

    def __init__(self, values: dict[str, Any], path: str, name: str) -> None:
        self._values = dict(values)
        self._path = path
        self._name = name

    def wrong(self, key: str, message: str) -> FormatError:
        field = f"{self._name}.{key}" if self._name else key
        return FormatError(message, path=self._path, field=field, hint="mend the layout")

    def _take(self, key: str, kind: type | UnionType, what: str) -> Any:
        value = self._values.pop(key, None)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.wrong(key, f"is no {what}")
        if isinstance(value, int) and value.bit_length() > 64:
            raise self.wrong(key, "is an integer of more than 64 bits")
        return value

    def table(self, key: str) -> _Table:
        return _Table(self._take(key, dict, "table") or {}, self._path, key)

    def tables(self, key: str) -> list[_Table]:
        values = self._take(key, list, "array of tables") or []
        if not all(isinstance(value, dict) for value in values):
            raise self.wrong(key, "is no array of tables")
        return [_Table(value, self._path, f"{key}[{index}]") for index, value in enumerate(values)]

    def text(self, key: str, default: Any) -> Any:
        value = self._take(key, str, "text")
        return default if value is None else value

    def host_path(self, key: str, folder: Path) -> Path | None:
        """A path of the host, from `folder`; None when it is missing or empty."""
        value = self.text(key, "")
        if "\0" in value:
            raise self.wrong(key, f"{value!r} is no path")
        return folder / value if value else None

    def integer(self, key: str, default: int | None, low: int, high: int) -> int | None:
        value = self._take(key, int, "integer")
        if value is None:
            return default
        if not low <= value <= high:
            raise self.wrong(key, f"is {value}, must be in {low}..{high}")
        return int(value)

    def size(self, key: str, default: int | None) -> int:
        """Bytes, as an integer or as text with KiB, MiB or GiB."""
        value = self._take(key, int | str, "size such as 33MiB, 64KiB or a number of bytes")
        if isinstance(value, str):
            try:
                return parse_size(value)
            except UsageError as error:
                raise self.wrong(key, f"{error.message}: {error.hint}") from None
        if value is None:
            value = default
        if value is None:
            raise self.wrong(key, "is missing")
        if value < 0:
            raise self.wrong(key, f"is {value}, must be 0 or more")
        return int(value)

    def names(self, key: str) -> tuple[str, ...] | None:
        """A list of names; the text "all" gives None."""
        value = self._values.pop(key, [])
        if value == "all":
            return None
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self.wrong(key, 'is neither "all" nor a list of module names')
        return tuple(value)

    def refuse_rest(self) -> None:
        for key in self._values:
            raise self.wrong(key, "is not a key of this table")
