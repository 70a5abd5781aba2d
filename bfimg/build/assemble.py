"""Put compiled parts and files together into one image, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bfimg.build.compile import BootBinaries
from bfimg.build.layout import Layout
from bfimg.errors import FitError, FormatError, UsageError, located
from bfimg.fat.editor import FatEditor
from bfimg.fat.mkfs import FatOptions, encode_label, format_volume, plan
from bfimg.fat.names import check_name
from bfimg.fat.volume import FatVolume, split_path
from bfimg.formats.crc import CRC32
from bfimg.formats.disk_layout import DISK_REGIONS, KERNEL_MAX_SECTORS, disk_region
from bfimg.formats.kernel_header import KERNEL_SIGNATURE, KernelHeader
from bfimg.formats.mbr import MBR_CODE_SIZE, SECTOR_SIZE, Mbr, PartitionEntry, PartitionStatus, PartitionType
from bfimg.formats.stage2 import STAGE2_DESCRIPTOR_OFFSET, STAGE2_SIZE, Stage2Descriptor
from bfimg.image.store import Store

_CHS_HEADS = 255
_CHS_SECTORS = 63
_CHS_BEYOND = b"\xfe\xff\xff"  # for sectors CHS cannot say


@dataclass(frozen=True)
class RegionUse:
    """How much of a region is used. Sizes in bytes; `room` is the size of the region."""

    name: str
    first_lba: int
    sectors: int
    used: int
    room: int

    @property
    def free(self) -> int:
        return self.room - self.used


@dataclass(frozen=True)
class VolumeFile:
    """A file to put on the volume. `field` is the key of the layout that asks for it."""

    path: str
    data: bytes
    field: str


def finish_kernel(image: bytes) -> tuple[bytes, KernelHeader]:
    """The kernel as linked, with build id and CRCs filled in, and its header.

    Raises FormatError when it has no kernel header or the header contradicts the image.
    """
    header = KernelHeader.parse(image, field="kernel")
    if header.signature != KERNEL_SIGNATURE:
        raise FormatError("linked kernel has no header", field="kernel.signature", hint="put the header section first")
    if header.image_bytes != len(image):
        raise FormatError(
            f"header says {header.image_bytes} bytes, the linker made {len(image)}",
            field="kernel.image_bytes",
            hint="mend the linker script",
        )
    body = image[KernelHeader.SIZE :]
    build_id = hashlib.sha256(body).digest()[: KernelHeader.field_spec("build_id").size]
    header = header.replace(build_id=build_id, image_crc=CRC32.compute(body)).sealed()
    for problem in header.problems("kernel"):
        raise FormatError(problem.message, field=problem.field, offset=problem.offset, hint="mend the kernel")
    return header.to_bytes() + body, header


def describe_kernel(kernel: bytes, header: KernelHeader) -> Stage2Descriptor:
    """The stage-2 descriptor for a finished kernel. Raises FitError when it is larger than the loader reads."""
    sectors = -(-len(kernel) // SECTOR_SIZE)
    if sectors > KERNEL_MAX_SECTORS:
        raise FitError(
            f"kernel of {len(kernel)} bytes is {sectors} sectors, {int(KERNEL_MAX_SECTORS)} fit",
            field="kernel",
            hint="make the kernel smaller",
        )
    return Stage2Descriptor(
        kernel_lba=disk_region("kernel").first_lba,
        kernel_sectors=sectors,
        load_address=header.load_address,
        kernel_crc=CRC32.compute(kernel.ljust(sectors * SECTOR_SIZE, b"\0")),
    ).sealed()


def assemble(
    layout: Layout, boot: BootBinaries, files: Sequence[VolumeFile], when: datetime
) -> tuple[Store, tuple[RegionUse, ...], KernelHeader]:
    """The whole image as a store with pending changes, the use of each region, and the kernel header.

    Raises FitError, with numbers, for what does not fit, FormatError for a kernel that contradicts itself, and
    UsageError for a label or path that FAT does not allow and for two files of one name.
    """
    part = disk_region("part1")
    sectors = layout.image_size // SECTOR_SIZE
    if sectors <= part.first_lba:
        raise FitError(
            f"image of {sectors} sectors, {part.first_lba} are taken before the partition",
            path=layout.origin,
            field="image.size",
            hint="make the image larger",
        )
    with located(str(layout.kernel_sources)):
        _check_boot_code(boot)
        kernel, header = finish_kernel(boot.kernel)
        descriptor = describe_kernel(kernel, header)
    identity = _identity(layout, kernel, files)
    store = Store.blank(layout.image_size)
    store.write(0, _mbr(layout, boot.stage1, sectors - part.first_lba, identity[:4]).to_bytes())
    start = disk_region("stage2").first_lba * SECTOR_SIZE
    store.write(start, boot.stage2)
    store.write(start + STAGE2_DESCRIPTOR_OFFSET, descriptor.to_bytes())
    store.write(descriptor.kernel_lba * SECTOR_SIZE, kernel)
    volume_used = _volume(store, layout, files, when, identity[4:8])
    used = {
        "mbr": len(boot.stage1.rstrip(b"\0")),
        "stage2": len(boot.stage2.rstrip(b"\0")),
        "kernel": len(kernel),
        "jit_cache": 0,
        "part1": volume_used,
    }
    room = {"mbr": int(MBR_CODE_SIZE), "kernel": KERNEL_MAX_SECTORS * SECTOR_SIZE}
    uses = []
    for region in DISK_REGIONS:
        length = region.sectors or sectors - region.first_lba
        uses.append(
            RegionUse(
                region.name, region.first_lba, length, used[region.name], room.get(region.name, length * SECTOR_SIZE)
            )
        )
    return store, tuple(uses), header


def _check_boot_code(boot: BootBinaries) -> None:
    if len(boot.stage1) > MBR_CODE_SIZE:
        raise FitError(
            f"stage 1 is {len(boot.stage1)} bytes, {int(MBR_CODE_SIZE)} fit", field="mbr.code", hint="make it smaller"
        )
    if len(boot.stage2) != STAGE2_SIZE:
        raise FitError(
            f"stage 2 is {len(boot.stage2)} bytes, must be {int(STAGE2_SIZE)}", field="stage2", hint="pad or shorten it"
        )


def _identity(layout: Layout, kernel: bytes, files: Sequence[VolumeFile]) -> bytes:
    """Bytes that differ when the contents differ: the disk signature and volume id come from them."""
    digest = hashlib.sha256(kernel)
    digest.update(f"{layout.image_size} {layout.volume_label}".encode())
    for file in files:
        digest.update(file.path.encode() + b"\0" + hashlib.sha256(file.data).digest())
    return digest.digest()


def _mbr(layout: Layout, code: bytes, sectors: int, identity: bytes) -> Mbr:
    start = disk_region("part1").first_lba
    signature = layout.disk_signature
    partition = PartitionEntry(
        status=PartitionStatus.ACTIVE,
        chs_first=_chs(start),
        type=PartitionType.FAT16_LBA,
        chs_last=_chs(start + sectors - 1),
        lba_start=start,
        sectors=sectors,
    )
    return Mbr(
        code=code.ljust(MBR_CODE_SIZE, b"\0"),
        disk_signature=int.from_bytes(identity, "little") if signature is None else signature,
        partitions=(partition, PartitionEntry(), PartitionEntry(), PartitionEntry()),
    )


def _chs(lba: int) -> bytes:
    """Cylinder, head and sector of an LBA in the 255 x 63 geometry partition tables use."""
    cylinder, rest = divmod(lba, _CHS_HEADS * _CHS_SECTORS)
    head, sector = divmod(rest, _CHS_SECTORS)
    if cylinder > 1023:
        return _CHS_BEYOND
    return bytes([head, (sector + 1) | cylinder >> 2 & 0xC0, cylinder & 0xFF])


def _volume(store: Store, layout: Layout, files: Sequence[VolumeFile], when: datetime, identity: bytes) -> int:
    """Make the FAT16 volume and put the files on it; the bytes that are then in use."""
    first = disk_region("part1").first_lba
    sectors = layout.image_size // SECTOR_SIZE - first
    options = FatOptions(
        total_sectors=sectors,
        bits=16,
        sectors_per_cluster=layout.sectors_per_cluster,
        root_entries=layout.root_entries,
        hidden_sectors=first,
        volume_id=int.from_bytes(identity, "little") if layout.volume_id is None else layout.volume_id,
        label=layout.volume_label,
    )
    with located(layout.origin, "volume.label"):
        encode_label(layout.volume_label)
    with located(layout.origin, "volume.sectors_per_cluster" if layout.sectors_per_cluster else "image.size"):
        plan(options)
    geometry = format_volume(store, first * SECTOR_SIZE, options, when)
    volume = FatVolume(store, first * SECTOR_SIZE)
    editor = FatEditor(volume, when)
    for file in files:
        with located(layout.origin, file.field):
            _add(editor, file)
    editor.flush()
    return sectors * SECTOR_SIZE - volume.table.free_count * geometry.cluster_bytes


def _add(editor: FatEditor, file: VolumeFile) -> None:
    names = split_path(file.path)
    for name in names:
        check_name(name)
    # Not only the same path: another spelling of it, or the 8.3 name that a file got for its long one.
    if editor.volume.exists(file.path):
        found = editor.volume.find(file.path)
        raise UsageError(f"{file.path} is on the volume already, as {found.path}", hint="choose another path")
    editor.make_folders("/".join(names[:-1]))
    editor.write(file.path, file.data)
