"""Kernels of every size the loader claims to load, and the first size it does not."""

import pytest

from bfimg.errors import FitError
from bfimg.formats.memory_map import memory_region

KIB = 1024
BSS_ALIGNMENT = 16
# Below, at and above the 64 KiB that one real-mode segment spans, up to near the end of the room.
SIZES = [65_024, 64 * KIB, 66_048, 128 * KIB, 200 * KIB, 440 * KIB]


@pytest.fixture(scope="session")
def largest_kernel(build_padded):
    """The largest image whose bss still ends within the kernel's memory."""
    header = build_padded(64 * KIB).kernel
    bss = header.bss_end - header.load_address - header.image_bytes
    return (memory_region("kernel").size - bss) // BSS_ALIGNMENT * BSS_ALIGNMENT


@pytest.mark.parametrize("size", SIZES)
def test_padded_kernel_boots_and_finds_its_canary(build_padded, boot_disk, size):
    run = boot_disk(build_padded(size).image)
    assert run.report.passed, run.report.reason
    boot = run.only("boot")
    assert (boot["kernel_bytes"], boot["canary"], boot["lba_reads"]) == (size, True, True)


def test_largest_kernel_boots(build_padded, boot_disk, largest_kernel):
    run = boot_disk(build_padded(largest_kernel).image)
    assert run.report.passed, run.report.reason
    assert (run.only("boot")["kernel_bytes"], run.only("boot")["canary"]) == (largest_kernel, True)


def test_one_byte_more_is_refused_with_numbers(build_padded, largest_kernel):
    with pytest.raises(FitError, match=rf"kernel of {largest_kernel + 1} bytes .* 458752 fit: \d+ too many"):
        build_padded(largest_kernel + 1)


def test_kernel_larger_than_all_its_memory_is_refused_with_numbers(build_padded):
    with pytest.raises(FitError, match=r"kernel of 458753 bytes .* 458752 fit: \d+ too many"):
        build_padded(448 * KIB + 1)


@pytest.mark.parametrize("offset", [64 * KIB - 1, 64 * KIB, 128 * KIB, 200 * KIB - 5])
def test_sectors_behind_each_64_kib_border_are_loaded_and_checked(build_padded, boot_disk, flip_bit, offset):
    image = build_padded(200 * KIB).image
    flip_bit(image, 9 * 512 + offset)
    assert boot_disk(image).report.boot_error == 9


@pytest.mark.parametrize("size", [65_024, 200 * KIB])
def test_large_kernel_loads_from_a_floppy_track_by_track(build_padded, boot_disk, slave_volume, tmp_path, size):
    floppy = tmp_path / "floppy.img"
    with build_padded(size).image.open("rb") as image:
        floppy.write_bytes(image.read(1_474_560))
    run = boot_disk(floppy, floppy=True, slave=slave_volume({}))
    assert run.report.passed, run.report.reason
    assert (run.only("boot")["kernel_bytes"], run.only("boot")["lba_reads"]) == (size, False)
