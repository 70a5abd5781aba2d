"""Fields by path: read, set, and what must follow when one is set.

stage2.kernel_sectors            a structure in a region
part1.bpb.volume_id              the FAT boot sector; `fat` stands for the first volume
part1:/SHA256.BC#name            the header of a module file
part1:/SUM.MOD#table.answer      the table of a native module
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bfimg.errors import FormatError, NotFoundError, UsageError
from bfimg.fat.mkfs import NO_LABEL
from bfimg.formats.crc import CRC32
from bfimg.formats.fat_boot_sector import FatBootSector16, FatBootSector32, FatBootSectorHead
from bfimg.formats.gpt import GptEntry, GptHeader
from bfimg.formats.kernel_header import KernelHeader
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.formats.native_module import NativeModuleHeader, NativeModuleTable
from bfimg.formats.stage2 import Stage2Descriptor
from bfimg.formats.structure import FieldSpec, Structure
from bfimg.image import gpt
from bfimg.image.report import FieldValue, field_values
from bfimg.image.structures import Located, region_structures
from bfimg.image.where import below, parse_where

if TYPE_CHECKING:
    from bfimg.image.image import Image

Value = int | str | bytes


class Fields:
    """`image.field`. Values are integers, text for text fields, hexadecimal text for byte fields."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def find(self, path: str) -> list[FieldValue]:
        """The field at `path`, or all fields below it. Raises NotFoundError when there is none."""
        canonical = self._canonical(path)
        found = [f for located in self._located(path) for f in _values(located) if below(f.path, canonical)]
        if not found:
            raise NotFoundError(f"no field {path}", path=self._image.store.name, hint="bfimg inspect shows the fields")
        return found

    def __getitem__(self, path: str) -> int | str:
        found = self.find(path)
        if len(found) != 1:
            raise NotFoundError(
                f"{path} is {len(found)} fields", path=self._image.store.name, hint=f"name one, such as {found[0].path}"
            )
        return found[0].value

    def __setitem__(self, path: str, value: Value) -> None:
        self.assign({path: value})

    def assign(self, values: dict[str, Value], *, raw: bool = False) -> None:
        """Set fields, all or none. CRCs and sizes that depend on them are put right, unless they are set here.

        raw: set exactly these bytes, even illegal values, and put nothing right. Raises NotFoundError for an unknown
        field, UsageError for a value of the wrong kind or outside the field's legal range.
        """
        self._image.flush()
        changed: list[Located] = []
        for path, value in values.items():
            changed.append(self._set_one(path, value, raw))
        if not raw:
            for located in changed:
                self._follow(located, {self._canonical(path) for path in values})

    def _set_one(self, path: str, value: Value, raw: bool) -> Located:
        canonical = self._canonical(path)
        for located in self._located(path):
            for spec, offset, name in _leaves(type(located.value), located.offset, located.prefix):
                if name == canonical:
                    data = encode(spec, value, name, raw)
                    self._image.store.write(offset, data)
                    return self._again(located)
        raise NotFoundError(
            f"no field {path} that can be set", path=self._image.store.name, hint="bfimg inspect shows the fields"
        )

    # Where fields are

    def _canonical(self, path: str) -> str:
        """The path as `inspect` prints it: with the region's own name."""
        place = parse_where(path)
        if place.file:
            return path
        name = self._image.region(place.region).name
        return name + path.removeprefix(place.region)

    def _located(self, path: str) -> Iterator[Located]:
        place = parse_where(path)
        if place.file:
            yield from self._module_structures(path)
        else:
            yield from region_structures(self._image.store, self._image.region(place.region))

    def _module_structures(self, path: str) -> Iterator[Located]:
        """Header and table of a module file. They stand in its first cluster: a sector has room for both."""
        from bfimg.module.identify import identify
        from bfimg.module.native_table import TABLE_START

        where = path.partition("#")[0]
        place = parse_where(where)
        volume = self._image.volume(place.region)
        item = volume.find(place.file).item
        info = identify(volume.read(item))
        if info.header is None:
            raise FormatError(
                f"no module header: {info.problems[0]}", path=self._image.store.name, field=where, hint="name a module"
            )
        offset = volume.offset + volume.geometry.cluster_offset(item.first_cluster)
        yield Located(where + "#", offset, info.header)
        if info.table is not None:
            yield Located(where + "#table", offset + TABLE_START, info.table)

    def _again(self, located: Located) -> Located:
        """The structure as it is now, with what was set."""
        kind = type(located.value)
        return Located(located.prefix, located.offset, kind.parse(self._image.store.read(located.offset, kind.SIZE)))

    # What follows a change

    def _follow(self, located: Located, set_paths: set[str]) -> None:
        """Own CRC first, then the structures that hold a CRC or a copy of this one."""
        self._seal(located, set_paths)
        value = located.value
        if isinstance(value, KernelHeader | Stage2Descriptor):
            self._follow_kernel(set_paths)
        elif isinstance(value, NativeModuleHeader | NativeModuleTable):
            self._follow_native(located.prefix.partition("#")[0], set_paths)
        elif isinstance(value, FatBootSectorHead):
            if _join(located.prefix, "volume_label") in set_paths:
                self._follow_label(located)
            self._image.touched.add(located.prefix.partition(".")[0])
            backup = value.backup_boot_sector if isinstance(value, FatBootSector32) else 0
            if 0 < backup < value.reserved_sectors and backup != getattr(value, "fsinfo_sector", 0):
                copy = located.offset + backup * SECTOR_SIZE
                self._image.store.write(copy, self._again(located).value.to_bytes())
        elif isinstance(value, GptHeader | GptEntry):
            region = self._image.region(located.prefix.partition(".")[0])
            kept = frozenset(path.removeprefix(f"{region.name}.") for path in set_paths)
            gpt.follow_change(self._image.store, gpt.header_offset(region.name, region.offset, region.size), kept)

    def _seal(self, located: Located, set_paths: set[str]) -> None:
        value = self._again(located).value
        sealed = value.sealed()
        for spec in value.FIELDS:
            if spec.crc is not None and _join(located.prefix, spec.name) not in set_paths:
                data = sealed.to_bytes()[spec.offset : spec.offset + spec.size]
                self._image.store.write(located.offset + spec.offset, data)

    def _follow_label(self, located: Located) -> None:
        """The root directory has the label too, and it is that one which systems show."""
        boot = self._again(located).value
        assert isinstance(boot, FatBootSector16 | FatBootSector32)
        label = "" if boot.volume_label == NO_LABEL else boot.volume_label.rstrip(b" \0").decode("ascii")
        editor = self._image.editor(located.prefix.partition(".")[0])
        if editor.volume.label != label:
            editor.set_label(label)
            editor.flush()

    def _follow_kernel(self, set_paths: set[str]) -> None:
        """Stage 2 holds the CRC of the kernel as loaded, header included."""
        if "stage2.kernel_crc" in set_paths:
            return
        (located,) = region_structures(self._image.store, self._image.region("stage2"))
        descriptor = located.value
        assert isinstance(descriptor, Stage2Descriptor)
        size = descriptor.kernel_sectors * SECTOR_SIZE
        loaded = self._image.store.read(descriptor.kernel_lba * SECTOR_SIZE, size).ljust(size, b"\0")
        fixed = descriptor.replace(kernel_crc=CRC32.compute(loaded))
        self._image.store.write(located.offset, fixed.to_bytes())
        self._seal(located, set_paths)

    def _follow_native(self, where: str, set_paths: set[str]) -> None:
        """The table of a native module holds the CRC of the file around it."""
        from bfimg.module.native_table import file_crc

        tables = [located for located in self._module_structures(where) if isinstance(located.value, NativeModuleTable)]
        for located in tables:
            if f"{located.prefix}.file_crc" not in set_paths:
                place = parse_where(where)
                volume = self._image.volume(place.region)
                crc = file_crc(volume.read(volume.find(place.file).item))
                self._image.store.write(located.offset, located.value.replace(file_crc=crc).to_bytes())
            self._seal(located, set_paths)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}{name}" if prefix.endswith("#") else f"{prefix}.{name}"


def _values(located: Located) -> Iterator[FieldValue]:
    import dataclasses

    for field in field_values(located.value, located.prefix, located.offset):
        yield dataclasses.replace(field, path=field.path.replace("#.", "#"))


def _leaves(structure: type[Structure], base: int, prefix: str) -> Iterator[tuple[FieldSpec, int, str]]:
    """Every field that holds a value: its definition, its offset in the image, its path."""
    for spec in structure.FIELDS:
        name, offset = _join(prefix, spec.name), base + spec.offset
        if spec.element is None:
            yield spec, offset, name
        elif spec.kind == "struct":
            yield from _leaves(spec.element, offset, name)
        else:
            for index in range(spec.count):
                yield from _leaves(spec.element, offset + index * spec.element.SIZE, f"{name}[{index}]")


def encode(spec: FieldSpec, value: Value, path: str, raw: bool = False) -> bytes:
    """The bytes of a field for a value: an integer, or text as the command line gives it.

    Integers may be decimal, hexadecimal or a name the field knows; text is filled up as the field is; bytes are
    hexadecimal. Raises UsageError for a value that does not fit, or, unless `raw`, is not legal.
    """
    if isinstance(value, bytes):
        data = value
    elif spec.is_integer:
        data = _integer(spec, value, path, raw).to_bytes(spec.size, "little")
    elif spec.kind == "text" and isinstance(value, str):
        data = _text(spec, value, path)
    else:
        data = _hexadecimal(value, path)
    if len(data) != spec.size:
        raise UsageError(f"{len(data)} bytes for a field of {spec.size}", field=path, hint=f"give {spec.size} bytes")
    return data


def _integer(spec: FieldSpec, value: int | str, path: str, raw: bool) -> int:
    number = value if isinstance(value, int) else _parse_integer(spec, value, path)
    if not 0 <= number < 1 << (8 * spec.size):
        raise UsageError(f"{number} does not fit {spec.size} bytes", field=path, hint=f"legal: {_legal(spec)}")
    problem = None if raw or spec.crc is not None else spec.problem(number)
    if problem is not None:
        raise UsageError(problem, field=path, hint="--raw sets it all the same")
    return number


def _legal(spec: FieldSpec) -> str:
    return spec.legal() or f"0..{(1 << 8 * spec.size) - 1}"


def _parse_integer(spec: FieldSpec, text: str, path: str) -> int:
    names = spec.values or spec.names
    if names is not None and text.upper() in names.__members__:
        return int(names[text.upper()])
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(f"{text!r} is no integer", field=path, hint=f"legal: {_legal(spec)}") from None


def _text(spec: FieldSpec, value: str, path: str) -> bytes:
    try:
        data = value.encode("ascii")
    except UnicodeEncodeError:
        raise UsageError(f"{value!r} is not ASCII", field=path, hint="use ASCII text") from None
    if len(data) > spec.size:
        raise UsageError(f"{value!r} is {len(data)} bytes, {spec.size} fit", field=path, hint="use shorter text")
    return data.ljust(spec.size, spec.padding)


def _hexadecimal(value: int | str, path: str) -> bytes:
    try:
        return bytes.fromhex(str(value))
    except ValueError:
        raise UsageError(f"{value!r} is not hexadecimal", field=path, hint="write bytes as 0badf00d") from None
