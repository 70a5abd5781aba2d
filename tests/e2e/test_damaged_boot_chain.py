"""One bit wrong, or a file cut short: the boot code names the failure by number, and inspect finds it."""

import pytest

from bfimg.formats.boot_protocol import BOOT_ERROR_MEANINGS, BootError
from bfimg.formats.crc import CRC32
from bfimg.formats.kernel_header import KernelHeader
from bfimg.formats.stage2 import STAGE2_DESCRIPTOR_OFFSET, Stage2Descriptor
from bfimg.image.inspect import inspect

SECTOR = 512
DESCRIPTOR = SECTOR + STAGE2_DESCRIPTOR_OFFSET
KERNEL = 9 * SECTOR


@pytest.fixture
def descriptor(disk):
    """The descriptor of the default image."""
    with disk.open("rb") as file:
        file.seek(DESCRIPTOR)
        return Stage2Descriptor.parse(file.read(Stage2Descriptor.SIZE))


@pytest.fixture
def fails_with(boot_disk):
    """Function that asserts how the boot of an image ends, in number, words and machine-readable form."""

    def check(image, error):
        report = boot_disk(image).report
        assert not report.passed
        assert (report.exit_value, report.boot_error) == ("BOOT_ERROR", error), report.transcript
        assert report.reason == f"boot error {int(error)}: {BOOT_ERROR_MEANINGS[error]}"
        assert f"BF-E{int(error):02}" in report.transcript
        assert "@@" not in report.transcript  # the kernel did not run

    return check


@pytest.mark.parametrize(
    ("field", "error"),
    [
        ("magic", BootError.STAGE2_MAGIC),
        ("version", BootError.DESCRIPTOR_CRC),
        ("kernel_lba", BootError.DESCRIPTOR_CRC),
        ("kernel_sectors", BootError.DESCRIPTOR_CRC),
        ("kernel_crc", BootError.DESCRIPTOR_CRC),
        ("reserved", BootError.DESCRIPTOR_CRC),
        ("crc", BootError.DESCRIPTOR_CRC),
    ],
)
def test_flipped_bit_in_the_descriptor(disk, flip_bit, fails_with, field, error):
    flip_bit(disk, DESCRIPTOR + Stage2Descriptor.offset_of(field))
    fails_with(disk, error)
    assert any(finding.place.startswith("stage2") for finding in inspect(disk).findings)


# What a tool with a bug would write: wrong values below a right CRC.
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"version": 2}, BootError.DESCRIPTOR_VERSION),
        ({"size": 28}, BootError.DESCRIPTOR_VERSION),
        ({"kernel_sectors": 0}, BootError.KERNEL_EXTENT),
        ({"kernel_sectors": 897}, BootError.KERNEL_EXTENT),
        ({"kernel_sectors": 0x10001}, BootError.KERNEL_EXTENT),
        ({"load_address": 0x20000}, BootError.KERNEL_EXTENT),
        ({"kernel_lba": 0x0FFFFFFF}, BootError.KERNEL_READ),
        ({"kernel_lba": 10}, BootError.KERNEL_SIGNATURE),
        ({"kernel_crc": 0}, BootError.KERNEL_CRC),
    ],
    ids=str,
)
def test_wrong_descriptor_with_a_right_crc(disk, descriptor, poke, fails_with, fields, error):
    poke(disk, DESCRIPTOR, descriptor.replace(**fields).sealed().to_bytes())
    fails_with(disk, error)
    assert inspect(disk).findings


def test_descriptor_that_names_too_few_sectors(disk, descriptor, poke, fails_with):
    sectors = descriptor.kernel_sectors - 1
    with disk.open("rb") as file:
        file.seek(KERNEL)
        crc = CRC32.compute(file.read(sectors * SECTOR))
    poke(disk, DESCRIPTOR, descriptor.replace(kernel_sectors=sectors, kernel_crc=crc).sealed().to_bytes())
    fails_with(disk, BootError.KERNEL_TRUNCATED)
    assert inspect(disk).findings


@pytest.mark.parametrize("end", ["before the code", "behind the image"])
def test_kernel_whose_entry_is_not_in_its_image(disk, descriptor, default_build, poke, fails_with, end):
    offset = KernelHeader.SIZE - 1 if end == "before the code" else default_build.kernel.image_bytes
    with disk.open("rb") as file:
        file.seek(KERNEL)
        kernel = file.read(descriptor.kernel_sectors * SECTOR)
    header = KernelHeader.parse(kernel).replace(entry_offset=offset).sealed()
    kernel = header.to_bytes() + kernel[KernelHeader.SIZE :]
    poke(disk, KERNEL, kernel)
    poke(disk, DESCRIPTOR, descriptor.replace(kernel_crc=CRC32.compute(kernel)).sealed().to_bytes())
    fails_with(disk, BootError.KERNEL_ENTRY)


@pytest.mark.parametrize("place", ["signature", "header", "first byte", "middle", "canary"])
def test_flipped_bit_in_the_kernel(disk, default_build, flip_bit, fails_with, place):
    size = default_build.kernel.image_bytes
    offset = {
        "signature": 0,
        "header": KernelHeader.offset_of("build_id"),
        "first byte": KernelHeader.SIZE,
        "middle": size // 2,
        "canary": size - 1,
    }[place]
    flip_bit(disk, KERNEL + offset)
    fails_with(disk, BootError.KERNEL_SIGNATURE if place == "signature" else BootError.KERNEL_CRC)
    assert any("kernel" in finding.place for finding in inspect(disk).findings)


@pytest.mark.parametrize(
    ("sectors", "error"),
    [(1, BootError.STAGE2_READ), (8, BootError.STAGE2_READ), (10, BootError.KERNEL_READ), (30, BootError.KERNEL_READ)],
)
def test_image_cut_short(disk, fails_with, sectors, error):
    with disk.open("r+b") as file:
        file.truncate(sectors * SECTOR)
    fails_with(disk, error)
    assert inspect(disk).findings


def test_erased_stage2(disk, poke, fails_with):
    poke(disk, SECTOR, bytes(8 * SECTOR))
    fails_with(disk, BootError.STAGE2_MAGIC)
    assert any(finding.place.startswith("stage2") for finding in inspect(disk).findings)
