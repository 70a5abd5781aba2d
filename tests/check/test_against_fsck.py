"""Several hundred damaged volumes: our verdict against that of fsck.fat, and what is repaired against it too."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from bfimg.errors import BfimgError
from bfimg.fat.volume import FatVolume

Patient = Any  # of conftest.py
CASES = int(os.environ.get("BFIMG_TEST_EXAMPLES", "100"))

# What fsck.fat passes over, or reports and calls clean: FAT entry 1, the high half of a first cluster on FAT12 and
# FAT16, sizes of `.` and `..`, sector hints, names the specification does not allow, long names of more than one case,
# what stands behind the end of a directory, state bits.
STRICTER = {
    "FAT106",
    "FAT107",
    "FAT108",
    "FAT109",
    "FAT302",
    "FAT303",
    "FAT304",
    "FAT305",
    "FAT308",
    "FAT312",
    "FAT314",
}
# What fsck.fat calls damage and we do not: bits of the case byte that only other systems use.
LOOSER = ("Bad short file name", "no 8.3 name flag")
# fsck.fat reads names in code page 850 and refuses labels with characters from it.
LABELS = ("is not valid", "no volume label", "boot sector and different")


def places(volume: FatVolume) -> list[int]:
    """Bytes worth damaging: FAT entries in use in both copies, and directory slots."""
    geometry, table = volume.geometry, volume.table
    used = [cluster for cluster in range(2, geometry.cluster_end) if table[cluster]]
    offsets = []
    for cluster in [0, 1, *used, used[-1] + 1, geometry.cluster_end - 1]:
        offsets += [
            geometry.fat_offset(copy) + cluster * geometry.bits // 8 + byte for copy in (0, 1) for byte in (0, 1)
        ]
    root = geometry.root_offset if geometry.bits != 32 else geometry.cluster_offset(geometry.root_cluster)
    folder = geometry.cluster_offset(volume.find("/SUB").item.first_cluster)
    for start in (root, folder):
        offsets += [byte for byte in range(start, start + 12 * 32) for _ in range(2)]
    return offsets


def damage(victim: Patient, offsets: list[int], chance: random.Random) -> None:
    """One to three bytes; those in a FAT often in both copies, as a program's mistake would be."""
    geometry = victim.volume().geometry
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        offset, byte = chance.choice(offsets), bytes([chance.choice((0, 1, 5, 9, 0xE5, 0xFF, chance.randrange(256)))])
        both = chance.random() < 0.7
        for copy in (0, 1):
            start = geometry.fat_offset(copy)
            if both and start <= offset < start + geometry.fat_bytes:
                victim.write(geometry.fat_offset(1 - copy) + offset - start, byte)
        victim.write(offset, byte)


def readable(victim: Patient) -> dict[str, bytes]:
    """The files that can be read as they are."""
    found: dict[str, bytes] = {}
    volume = victim.volume()
    try:
        for file in volume.walk():
            if not file.item.is_directory:
                try:
                    found[file.path] = volume.read(file.item)
                except BfimgError:
                    continue
    except BfimgError:
        return found
    return found


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_verdicts_agree(patient: Callable[[int], Patient], fsck: Callable[..., Any], bits: int) -> None:
    victim = patient(bits)
    offsets = places(victim.volume())
    length = max(offsets) + 1
    sound = victim.read(0, length)
    agreed = mended = 0
    for seed in range(CASES):
        damage(victim, offsets, random.Random(f"{bits} {seed}"))
        codes = victim.codes()
        opinion = fsck(victim.path)
        context = (seed, codes, opinion.text)
        if bool(codes) == (not opinion.clean):
            agreed += 1
        elif codes:
            # Clusters are lost along with what we do not take for a file.
            assert codes != {"FAT209"} and codes <= STRICTER | {"FAT209"}, context
        else:
            assert any(text in opinion.text for text in LOOSER), context
        before = readable(victim)
        done = victim.repair()
        left = victim.check()
        assert not any(finding.repairable for finding in left), context
        if done and not left:
            mended += 1
            opinion = fsck(victim.path)
            assert opinion.clean or any(text in opinion.text for text in LABELS + LOOSER), (context, opinion.text)
        if not any(repair.code in ("FAT201", "FAT308", "FAT315") for repair in done):
            # Nothing that could be read is lost, apart from other contents in the other FAT, a long name that was not
            # the file's own, and a folder that looked like an empty file.
            assert before.items() <= readable(victim).items(), context
        victim.write(0, sound)
    assert agreed > CASES * 0.85
    assert mended > CASES * 0.1
