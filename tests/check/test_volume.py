"""Each kind of damage to a FAT volume has its code; what is safe to mend is mended, and fsck.fat agrees."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from bfimg.check.codes import CODES

FAT_WIDTHS = (12, 16, 32)
Patient = Any  # of conftest.py
Make = Callable[[int], Patient]
SIZE, ATTRIBUTES, HIGH, LOW = 28, 11, 20, 26  # offsets in a directory entry


def mask(bits: int) -> int:
    return 0x0FFFFFFF if bits == 32 else (1 << bits) - 1


@pytest.mark.parametrize("bits", FAT_WIDTHS)
def test_sound_volumes_have_no_findings(patient: Make, bits: int) -> None:
    assert patient(bits).check() == []


class Damage:
    """Every function damages a volume in one way; its name says how."""

    @staticmethod
    def loop(p: Patient, bits: int) -> None:
        chain = p.chain("/F3.BIN")
        p.set_entry(chain[-1], chain[0])

    @staticmethod
    def loop_before_the_end(p: Patient, bits: int) -> None:
        chain = p.chain("/F3.BIN")
        p.set_entry(chain[-2], chain[0])

    @staticmethod
    def cross_link(p: Patient, bits: int) -> None:
        p.set_entry(p.chain("/F1.BIN")[0], p.chain("/F2.BIN")[1])

    @staticmethod
    def chain_out_of_range(p: Patient, bits: int) -> None:
        p.set_entry(p.chain("/F2.BIN")[0], mask(bits) - 12)

    @staticmethod
    def chain_into_free(p: Patient, bits: int) -> None:
        p.set_entry(p.chain("/F2.BIN")[1], 0)

    @staticmethod
    def chain_into_bad(p: Patient, bits: int) -> None:
        p.set_entry(p.chain("/F2.BIN")[1], mask(bits) - 8)

    @staticmethod
    def chain_too_short(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN") + SIZE, struct.pack("<I", 2_000_000_000))

    @staticmethod
    def chain_too_long(p: Patient, bits: int) -> None:
        p.write(p.slot("/F3.BIN") + SIZE, struct.pack("<I", 1))

    @staticmethod
    def size_zero_with_chain(p: Patient, bits: int) -> None:
        p.write(p.slot("/F3.BIN") + SIZE, bytes(4))

    @staticmethod
    def size_without_chain(p: Patient, bits: int) -> None:
        chain = p.chain("/F1.BIN")
        p.write(p.slot("/F1.BIN") + LOW, bytes(2))
        for cluster in chain:
            p.set_entry(cluster, 0)

    @staticmethod
    def lost(p: Patient, bits: int) -> None:
        end = p.volume().geometry.cluster_end
        p.set_entry(end - 2, end - 1)
        p.set_entry(end - 1, mask(bits))

    @staticmethod
    def copies(p: Patient, bits: int) -> None:
        p.set_entry(p.chain("/F2.BIN")[0], 0, copies=(1,))

    @staticmethod
    def first_copy(p: Patient, bits: int) -> None:
        p.set_entry(p.chain("/F2.BIN")[0], 0, copies=(0,))

    @staticmethod
    def start_out_of_range(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN") + LOW, b"\1\0")

    @staticmethod
    def folder_start(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB") + LOW, b"\0\0")

    @staticmethod
    def folder_chain(p: Patient, bits: int) -> None:
        p.set_entry(p.chain("/SUB")[-1], mask(bits) - 12)

    @staticmethod
    def folder_in_itself(p: Patient, bits: int) -> None:
        entry = bytearray(p.read(p.slot("/SUB"), 32))
        entry[:11] = b"AGAIN      "
        p.write(p.slot("/SUB/a long file name 1.txt", 11), bytes(entry))

    @staticmethod
    def high_word(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN") + HIGH, b"\7\0")

    @staticmethod
    def folder_size(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB") + SIZE, b"\7")

    @staticmethod
    def folder_marked_as_file(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB") + ATTRIBUTES, b"\0")

    @staticmethod
    def file_marked_as_folder(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN") + ATTRIBUTES, b"\x10")

    @staticmethod
    def bad_name(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN"), b"F*")

    @staticmethod
    def name_of_a_space(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN"), b" ")

    @staticmethod
    def duplicate(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN"), b"F1")

    @staticmethod
    def dot_missing(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt", 0), b"X")

    @staticmethod
    def dot_cluster(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt", 0) + LOW, b"\x05")

    @staticmethod
    def dotdot_cluster(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt", 1) + LOW, b"\x05")

    @staticmethod
    def dot_is_a_file(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt", 0) + ATTRIBUTES, b"\0")

    @staticmethod
    def dot_size(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt", 0) + SIZE, b"\1")

    @staticmethod
    def long_name_checksum(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt") - 32 + 13, b"\0")

    @staticmethod
    def long_name_before_another(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt"), p.read(p.slot("/SUB/a long file name 2.txt") - 64, 32))

    @staticmethod
    def long_name_at_the_end(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 3.txt"), b"\0")

    @staticmethod
    def long_name_cluster(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt") - 32 + LOW, b"\0\1")

    @staticmethod
    def end_too_early(p: Patient, bits: int) -> None:
        p.write(p.slot("/F1.BIN"), b"\0")

    @staticmethod
    def second_label(p: Patient, bits: int) -> None:
        p.write(p.slot("/F1.BIN", 5), b"ANOTHER    \x08".ljust(32, b"\0"))

    @staticmethod
    def label_in_a_folder(p: Patient, bits: int) -> None:
        p.write(p.slot("/SUB/a long file name 1.txt", 11), b"ANOTHER    \x08".ljust(32, b"\0"))

    @staticmethod
    def label_with_data(p: Patient, bits: int) -> None:
        p.write(p.slot("/F2.BIN") + ATTRIBUTES, b"\x08")

    @staticmethod
    def label_with_bad_name(p: Patient, bits: int) -> None:
        p.write(p.slot("/F1.BIN", 0), b"*")

    @staticmethod
    def media(p: Patient, bits: int) -> None:
        p.set_entry(0, mask(bits) & ~0xFF | 0xF0)

    @staticmethod
    def end_mark(p: Patient, bits: int) -> None:
        p.set_entry(1, mask(bits) & ~0x10)

    @staticmethod
    def dirty_boot_sector(p: Patient, bits: int) -> None:
        p.write(0x41 if bits == 32 else 0x25, b"\1")

    @staticmethod
    def dirty_fat(p: Patient, bits: int) -> None:
        p.set_entry(1, {16: 0x7FFF, 32: 0x07FFFFFF}[bits])

    @staticmethod
    def io_errors(p: Patient, bits: int) -> None:
        p.write(0x41 if bits == 32 else 0x25, b"\2")

    @staticmethod
    def io_errors_in_fat(p: Patient, bits: int) -> None:
        p.set_entry(1, {16: 0xBFFF, 32: 0x0BFFFFFF}[bits])

    @staticmethod
    def labels(p: Patient, bits: int) -> None:
        p.write(0x47 if bits == 32 else 0x2B, b"DOCTOR ")

    @staticmethod
    def label_only_in_boot_sector(p: Patient, bits: int) -> None:
        p.write(p.slot("/F1.BIN", 0), b"\xe5")

    @staticmethod
    def boot_field(p: Patient, bits: int) -> None:
        p.write(0x15, b"\x10")

    @staticmethod
    def cluster_count(p: Patient, bits: int) -> None:
        p.write(0x36, b"FAT12   " if bits == 16 else b"FAT16   ")

    @staticmethod
    def fsinfo(p: Patient, bits: int) -> None:
        p.write(512, b"X")

    @staticmethod
    def fsinfo_is_other_data(p: Patient, bits: int) -> None:
        p.write(512, b"X" * 512)

    @staticmethod
    def free_count(p: Patient, bits: int) -> None:
        p.write(512 + 488, b"\x01\x00\x00\x00")

    @staticmethod
    def next_free(p: Patient, bits: int) -> None:
        p.write(512 + 492, b"\xff\xff\xff\x00")

    @staticmethod
    def backup(p: Patient, bits: int) -> None:
        p.write(6 * 512 + 100, b"X")

    @staticmethod
    def boot_sector_with_backup(p: Patient, bits: int) -> None:
        p.write(0, bytes(512))

    @staticmethod
    def mirroring(p: Patient, bits: int) -> None:
        p.write(0x28, b"\x81")

    @staticmethod
    def reserved_sectors(p: Patient, bits: int) -> None:
        p.write(0x30, b"\x30\0")

    @staticmethod
    def root_cluster(p: Patient, bits: int) -> None:
        p.write(0x2C, b"\1")

    @staticmethod
    def root_chain(p: Patient, bits: int) -> None:
        p.set_entry(2, 2)


# (damage, FAT widths, codes it must have, whether --repair ends with a clean volume)
CASES: list[tuple[str, tuple[int, ...], set[str], bool]] = [
    ("loop", FAT_WIDTHS, {"FAT202"}, True),  # behind the end of the file, so the chain can end there
    ("loop_before_the_end", FAT_WIDTHS, {"FAT202", "FAT209"}, False),
    ("cross_link", FAT_WIDTHS, {"FAT203", "FAT208", "FAT209"}, False),
    ("chain_out_of_range", FAT_WIDTHS, {"FAT204", "FAT209"}, False),
    ("chain_into_free", FAT_WIDTHS, {"FAT205", "FAT209"}, False),
    ("chain_into_bad", FAT_WIDTHS, {"FAT206", "FAT209"}, False),
    ("chain_too_short", FAT_WIDTHS, {"FAT207"}, True),
    ("chain_too_long", FAT_WIDTHS, {"FAT208"}, True),
    ("size_zero_with_chain", FAT_WIDTHS, {"FAT208"}, True),
    ("size_without_chain", FAT_WIDTHS, {"FAT207"}, True),
    ("lost", FAT_WIDTHS, {"FAT209"}, True),
    ("copies", FAT_WIDTHS, {"FAT201"}, True),
    ("first_copy", FAT_WIDTHS, {"FAT201", "FAT205", "FAT209"}, True),
    ("start_out_of_range", FAT_WIDTHS, {"FAT301", "FAT209"}, False),
    ("folder_start", FAT_WIDTHS, {"FAT301", "FAT209"}, False),
    ("folder_chain", FAT_WIDTHS, {"FAT204"}, False),
    ("folder_in_itself", FAT_WIDTHS, {"FAT203"}, False),
    ("high_word", (12, 16), {"FAT302"}, True),
    ("folder_size", FAT_WIDTHS, {"FAT303"}, True),
    ("folder_marked_as_file", FAT_WIDTHS, {"FAT315"}, True),
    ("file_marked_as_folder", FAT_WIDTHS, {"FAT303", "FAT306"}, False),
    ("bad_name", FAT_WIDTHS, {"FAT304"}, False),
    ("name_of_a_space", FAT_WIDTHS, {"FAT304"}, False),
    ("duplicate", FAT_WIDTHS, {"FAT305"}, False),
    ("dot_missing", FAT_WIDTHS, {"FAT306", "FAT203"}, False),
    ("dot_cluster", FAT_WIDTHS, {"FAT307"}, True),
    ("dotdot_cluster", FAT_WIDTHS, {"FAT307"}, True),
    ("dot_is_a_file", FAT_WIDTHS, {"FAT307"}, True),
    ("dot_size", FAT_WIDTHS, {"FAT303"}, True),
    ("long_name_checksum", FAT_WIDTHS, {"FAT308"}, True),
    ("long_name_cluster", FAT_WIDTHS, {"FAT313"}, True),
    ("end_too_early", FAT_WIDTHS, {"FAT312", "FAT209"}, False),
    ("second_label", FAT_WIDTHS, {"FAT309"}, True),
    ("label_in_a_folder", FAT_WIDTHS, {"FAT309"}, True),
    ("label_with_data", FAT_WIDTHS, {"FAT314", "FAT209"}, False),
    ("label_with_bad_name", FAT_WIDTHS, {"FAT304", "FAT110"}, False),
    ("media", FAT_WIDTHS, {"FAT106"}, True),
    ("end_mark", FAT_WIDTHS, {"FAT107"}, True),
    ("dirty_boot_sector", FAT_WIDTHS, {"FAT108"}, True),
    ("dirty_fat", (16, 32), {"FAT108"}, True),
    ("io_errors", FAT_WIDTHS, {"FAT109"}, False),
    ("io_errors_in_fat", (16, 32), {"FAT109"}, False),
    ("labels", FAT_WIDTHS, {"FAT110"}, True),
    ("label_only_in_boot_sector", FAT_WIDTHS, {"FAT110"}, True),
    ("boot_field", FAT_WIDTHS, {"FAT102", "FAT106"}, False),
    ("cluster_count", (12, 16), {"FAT104"}, False),
    ("fsinfo", (32,), {"FAT111"}, True),
    ("fsinfo_is_other_data", (32,), {"FAT111"}, False),
    ("free_count", (32,), {"FAT112"}, True),
    ("next_free", (32,), {"FAT113"}, True),
    ("backup", (32,), {"FAT114"}, True),
    ("boot_sector_with_backup", (32,), {"FAT101"}, True),
    ("mirroring", (32,), {"FAT115", "FAT114"}, False),
    ("reserved_sectors", (32,), {"FAT105", "FAT114"}, False),
    ("root_cluster", (32,), {"FAT210", "FAT209", "FAT114"}, False),
    ("root_chain", (32,), {"FAT210"}, False),
]
# Damage that has other codes along with its own, which depend on the width and are not the point.
LOOSE = {"boot_field", "mirroring", "reserved_sectors", "label_with_bad_name", "root_cluster", "labels"}


@pytest.mark.parametrize(
    ("name", "bits", "wanted", "mended"),
    [(name, width, wanted, mended) for name, widths, wanted, mended in CASES for width in widths],
)
def test_damage_has_its_code(
    patient: Make, fsck: Callable[..., Any], name: str, bits: int, wanted: set[str], mended: bool
) -> None:
    victim = patient(bits)
    before = victim.contents()
    getattr(Damage, name)(victim, bits)
    findings = victim.check()
    found = {finding.code for finding in findings}
    if name != "free_count":
        found -= {"FAT112"}  # on FAT32 it follows from many
    assert (found & wanted if name in LOOSE else found) == wanted
    for finding in findings:
        assert finding.severity is CODES[finding.code].severity
        assert finding.message and finding.remedy and finding.place.startswith("fat")
        assert not finding.repairable or CODES[finding.code].repairable
    done = victim.repair()
    left = victim.check()
    assert not any(finding.repairable for finding in left)
    assert (left == []) is mended
    assert bool(done) or not mended
    if mended:
        assert fsck(victim.path).clean, fsck(victim.path).text
        after = victim.contents()
        cut = {"chain_too_long", "chain_too_short", "size_zero_with_chain", "size_without_chain", "long_name_checksum"}
        assert name in cut or after == before


def test_the_other_file_of_a_cross_link_is_named(patient: Make) -> None:
    victim = patient(16)
    at = victim.chain("/F2.BIN")[1]
    victim.set_entry(victim.chain("/F3.BIN")[0], at)
    finding = next(finding for finding in victim.check() if finding.code == "FAT203")
    assert finding.place == "fat:/F3.BIN"
    assert finding.offset == victim.slot("/F3.BIN")
    assert finding.message == f"chain after 1 clusters goes on at cluster {at}, which belongs to fat:/F2.BIN"


def test_a_file_marked_as_a_folder_keeps_its_size(patient: Make) -> None:
    victim = patient(16)
    Damage.file_marked_as_folder(victim, 16)
    assert victim.repair() == []
    victim.write(victim.slot("/F2.BIN") + ATTRIBUTES, b"\x20")
    assert victim.codes() == set()


def test_one_of_two_fats(patient: Make) -> None:
    """With two unsound copies there is no telling which is right, so no chain is touched."""
    victim = patient(16)
    victim.set_entry(victim.chain("/F2.BIN")[0], 0, copies=(0,))
    victim.set_entry(victim.chain("/F3.BIN")[0], 0, copies=(1,))
    before = victim.read(0, 200_000)
    assert {"FAT201", "FAT205"} <= victim.codes()
    assert victim.repair() == []
    assert victim.read(0, 200_000) == before


def test_a_volume_with_one_fat(patient: Make) -> None:
    victim = patient(16)
    fats = victim.volume().geometry.fat_bytes
    victim.write(0x10, b"\1")
    moved = victim.read(2048 + 2 * fats, 512 * 32)  # the root directory stands where the second FAT was
    victim.write(2048 + fats, moved)
    assert "FAT201" not in victim.codes()


def test_lost_clusters_stay_while_a_file_is_damaged(patient: Make) -> None:
    victim = patient(16)
    chain = victim.chain("/F3.BIN")
    victim.set_entry(chain[1], 0xFFFF)  # the file lost its last clusters
    assert {finding.code: finding.repairable for finding in victim.check()} == {"FAT207": False, "FAT209": False}
    assert victim.repair() == []


def test_the_dirty_mark_stays_while_something_is_wrong(patient: Make) -> None:
    victim = patient(16)
    victim.write(0x25, b"\1")
    victim.write(victim.slot("/F2.BIN"), b"F1")
    assert {finding.code: finding.repairable for finding in victim.check()} == {"FAT305": False, "FAT108": False}


def test_long_names_without_a_file(patient: Make, fsck: Callable[..., Any]) -> None:
    """In front of another name, and at the end of a directory."""
    victim = patient(16)
    Damage.long_name_before_another(victim, 16)
    assert {"FAT308"} <= victim.codes()
    victim = patient(16)
    slots = victim.volume().geometry.root_entries
    for slot in range(5, slots - 1):
        victim.write(victim.slot("/SUB", slot), b"\xe5")
    part = victim.read(victim.slot("/SUB/a long file name 1.txt") - 32, 32)
    victim.write(victim.slot("/SUB", slots - 1), part)
    assert victim.codes() == {"FAT308"}
    assert [mended.action for mended in victim.repair()] == ["removed"]
    assert fsck(victim.path).clean


def test_a_folder_too_deep_and_one_too_long(patient: Make) -> None:
    from bfimg.clock import FAT_EPOCH
    from bfimg.fat.editor import FatEditor
    from bfimg.fat.volume import FatVolume
    from bfimg.image.store import Store

    victim = patient(16)
    with Store.open(victim.path, write=True) as store:
        editor = FatEditor(FatVolume(store), FAT_EPOCH)
        editor.make_folders("/D" * 66)
        editor.flush()
        store.commit()
    deep = [finding for finding in victim.check() if finding.code == "FAT310"]
    assert [(finding.place, finding.message) for finding in deep] == [
        ("fat:" + "/D" * 65, "is deeper than 64 levels"),
    ]
    victim = patient(16)
    first = victim.chain("/SUB")[0]
    end = victim.volume().geometry.cluster_end
    clusters = [first, *range(end - 1200, end)]  # 2 KiB each, so 2.4 MiB
    for cluster, following in zip(clusters, [*clusters[1:], 0xFFFF], strict=True):
        victim.set_entry(cluster, following)
    assert victim.codes() == {"FAT311"}


def test_what_is_deepest_is_named_without_its_beginning(patient: Make) -> None:
    from bfimg.check.folder import Folder

    folder = Folder("", None, 0, 1, 0)
    for depth in range(1, 101):
        folder = Folder("D", folder, depth + 1, 1, depth)
    assert folder.path == "/..." + "/D" * 64
