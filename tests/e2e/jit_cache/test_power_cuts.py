"""The power fails while the kernel writes its JIT cache: the old state is whole, or the new one.

QEMU's blklogwrites logs each write and each flush. A drive may hold back what is not flushed, or write it in another
order, so every choice of the writes between two flushes is a disk that a power cut can leave; and of the last write,
the first half, and the first half of what it changes.
"""

from __future__ import annotations

import itertools
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bfimg.boot import BootOptions
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.check import codes
from bfimg.check.image import check_image
from bfimg.formats.disk_layout import disk_region
from bfimg.formats.mbr import SECTOR_SIZE
from bfimg.image.store import Store

REGION = disk_region("jit_cache")
START = REGION.first_lba * SECTOR_SIZE
END = REGION.end_lba * SECTOR_SIZE
MODULES = ("sum", "primes")

# The log: a superblock and records, each in a sector of its own; the data of a write behind its record.
LOG_MAGIC = 0x6A736677736872
LOG_SUPERBLOCK = struct.Struct("<QQQI")  # magic, version, number of records, sector size
LOG_RECORD = struct.Struct("<QQQQ")  # sector, sectors, flags, bytes of data that is no write
LOG_FLUSH = 1


@dataclass(frozen=True)
class Write:
    """Bytes written at an offset in the cache region."""

    offset: int
    data: bytes

    def apply(self, region: bytearray, size: int | None = None) -> None:
        part = self.data[:size]
        region[self.offset : self.offset + len(part)] = part

    def halves(self, region: bytearray) -> tuple[int, int]:
        """The sizes of half the write, and of half of what it changes in this region."""
        old = region[self.offset : self.offset + len(self.data)]
        changed = [index for index, (now, new) in enumerate(zip(old, self.data, strict=True)) if now != new]
        return len(self.data) // 2, changed[len(changed) // 2] if changed else 0


def read_log(log: bytes) -> list[list[Write]]:
    """The writes between flushes."""
    magic, version, count, sector = LOG_SUPERBLOCK.unpack_from(log)
    assert (magic, version, sector) == (LOG_MAGIC, 1, SECTOR_SIZE)
    epochs: list[list[Write]] = [[]]
    position = sector
    for _ in range(count):
        first, sectors, flags, _ = LOG_RECORD.unpack_from(log, position)
        position += sector
        if flags & LOG_FLUSH:
            epochs.append([])
        if sectors:
            size = sectors * SECTOR_SIZE
            assert first * SECTOR_SIZE >= START and first * SECTOR_SIZE + size <= END
            epochs[-1].append(Write(first * SECTOR_SIZE - START, log[position : position + size]))
            position += size
    assert not epochs[-1], "the run ended with writes that were not flushed"
    return [epoch for epoch in epochs if epoch]


def states_of(before: bytes, epochs: list[list[Write]]) -> Iterator[bytes]:
    """What the region may hold after a power cut, from the untouched one to the one that lacks least."""
    region = bytearray(before)
    yield bytes(region)
    for epoch in epochs:
        for count in range(len(epoch)):
            for written in itertools.combinations(epoch, count):
                for last in epoch:
                    if last not in written:
                        state = bytearray(region)
                        for write in written:
                            write.apply(state)
                        for size in (*sorted(last.halves(state)), len(last.data)):
                            last.apply(state, size)
                            yield bytes(state)
        for write in epoch:
            write.apply(region)


@pytest.fixture
def logged_boot(disk, tmp_path):
    """Function that boots the image with these settings, keeps its writes, and gives them."""

    def run(*config: str) -> list[list[Write]]:
        command = list(qemu_command(BootOptions(disk, config=config), find_qemu(), "0" * 32))
        log = tmp_path / "log"
        log.write_bytes(b"")
        drive = f"driver=blklogwrites,if=ide,index=0,file.driver=raw,file.file.driver=file,file.file.filename={disk}"
        drive += f",log.driver=raw,log.file.driver=file,log.file.filename={log}"
        command[command.index("-drive") + 1] = drive
        done = subprocess.run(command, capture_output=True, timeout=20, check=False)
        assert done.returncode == 0x10 << 1 | 1, done.stderr
        return read_log(log.read_bytes())

    return run


@pytest.mark.parametrize("old", [(), ("sum",)], ids=["first", "second"])
def test_each_power_cut_leaves_the_old_state_or_the_new_one(
    disk, logged_boot, boot_disk, region_of, entries_of, poke, programs, old
):
    if old:
        logged_boot("cache=yes", "modules=" + ",".join(old))
    before = region_of(disk)
    epochs = logged_boot("cache=yes", "modules=" + ",".join(MODULES))
    after = region_of(disk)
    states = list(dict.fromkeys(states_of(before, epochs)))
    assert (states[0], states[-1]) == (before, after)
    # Code extents one by one, the index, the superblock.
    assert len(epochs) == len(MODULES) - len(old) + 2
    seen = []
    for state in states:
        poke(disk, START, state)
        names = tuple(entries_of(state))
        with Store.open(disk) as store:
            assert {finding.code for finding in check_image(store).findings} <= {codes.CACHE_SUPERBLOCK.code}
        # The kernel sees what our reader sees, and stores the rest.
        run = boot_disk(disk, config=("cache=yes", "modules=" + ",".join(MODULES)), keep_writes=True)
        assert run.report.passed, run.report.reason
        ran = {event["name"]: (event["source"], event["answer"]) for event in run.events("module") if "answer" in event}
        assert ran == {name: ("cache" if name in names else "disk", programs[name].answer) for name in MODULES}
        assert tuple(entries_of(region_of(disk))) == MODULES
        seen.append(names)
    assert set(seen) == {old, MODULES}
    assert seen == sorted(seen, key=len)
