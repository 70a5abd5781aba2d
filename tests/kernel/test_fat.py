"""The kernel's FAT reader, built for this machine over a disk in memory: names, trees, files, and damage."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bfimg.errors import BfimgError
from bfimg.fat.editor import FatEditor
from bfimg.fat.mkfs import FatOptions, format_volume
from bfimg.fat.volume import FatFile, FatVolume
from bfimg.formats.fat_directory import DirectoryEntry, LongNameEntry
from bfimg.image.store import Store

SECTORS = 4600
WHEN = datetime(2000, 1, 1, tzinfo=UTC)
SOURCES = ("fat/chain.c", "fat/directory.c", "fat/file.c", "fat/long_name.c", "fat/volume.c", "fat/walk.c")

# The disk, and what the tests want of the reader: a listing as text, and one open file.
WRAPPER = r"""
#include <stdio.h>
#include <string.h>
#include "fat/fat16.h"
#include "interrupts/timer.h"

static const uint8_t *disk;
static struct ata_drive drive = {.name = "memory"};
static struct fat_volume volume;
static struct fat_file file;
unsigned sectors_read;

uint32_t timer_ticks(void) { return sectors_read; }

enum ata_result ata_read(const struct ata_drive *from, uint32_t lba, uint32_t count, void *buffer)
{
    if (lba >= from->sectors || count > from->sectors - lba)
        return ATA_RANGE;
    memcpy(buffer, disk + (size_t)lba * 512, (size_t)count * 512);
    sectors_read += count;
    return ATA_OK;
}

int mount(const uint8_t *bytes, uint32_t sectors)
{
    disk = bytes;
    drive.sectors = sectors;
    sectors_read = 0;
    return fat_mount(&volume, &drive, 0, sectors);
}

/* Each file as "path<TAB>size<TAB>first cluster", each problem as "path<TAB>result". */
int list(char *out, size_t size)
{
    struct fat_walk walk;
    struct fat_entry entry;
    enum fat_result result;
    size_t used = 0;
    out[0] = 0;
    fat_walk_start(&volume, &walk);
    while ((result = fat_walk_next(&walk, &entry)) != FAT_END && used < size - 8192) {
        if (result != FAT_OK)
            used += (size_t)snprintf(out + used, size - used, "%s\t%d\n", walk.path, (int)result);
        else if (fat_is_file(&entry))
            used += (size_t)snprintf(out + used, size - used, "%s\t%u\t%u\n", walk.path, entry.size,
                                     entry.first_cluster);
    }
    return result == FAT_END;
}

int open_path(const char *path) { return fat_open(&volume, path, &file); }
int seek(uint32_t position) { return fat_seek(&file, position); }
int read_some(void *buffer, uint32_t size, uint32_t *count) { return fat_read(&file, buffer, size, count); }
int read_whole(void *buffer, uint32_t size) { return fat_read_whole(&file, buffer, size); }
void close_file(void) { fat_close(&file); }
uint64_t bytes_read(void) { return volume.bytes_read; }
uint32_t milliseconds(void) { return volume.milliseconds; }
"""

# enum fat_result
OK, END, TOO_LARGE, BAD_CLUSTER, LOOP, TOO_DEEP = 0, 1, 7, 8, 11, 12


@dataclass
class Reader:
    """The reader over one disk."""

    library: ctypes.CDLL

    def mount(self, data: bytes) -> int:
        self.data = data  # stays alive while the library points into it
        return int(self.library.mount(data, len(data) // 512))

    def list(self) -> list[tuple[str, ...]]:
        buffer = ctypes.create_string_buffer(1 << 20)
        assert self.library.list(buffer, ctypes.c_size_t(len(buffer)))
        return [tuple(line.split("\t")) for line in buffer.value.decode("ascii").splitlines()]

    def open(self, path: str) -> int:
        return int(self.library.open_path(path.encode("ascii")))

    def read(self, size: int) -> tuple[int, bytes]:
        buffer, count = ctypes.create_string_buffer(max(size, 1)), ctypes.c_uint32()
        result = self.library.read_some(buffer, size, ctypes.byref(count))
        return result, buffer.raw[: count.value]

    def read_whole(self, size: int) -> tuple[int, bytes]:
        buffer = ctypes.create_string_buffer(max(size, 1))
        return self.library.read_whole(buffer, size), buffer.raw[:size]

    @property
    def sectors_read(self) -> int:
        return ctypes.c_uint.in_dll(self.library, "sectors_read").value


@pytest.fixture(scope="module")
def reader(host_library: Callable[..., ctypes.CDLL]) -> Reader:
    library = host_library(*SOURCES, wrapper=WRAPPER)
    library.bytes_read.restype = ctypes.c_uint64
    return Reader(library)


def new_volume(cluster_sectors: int = 1) -> tuple[FatVolume, FatEditor]:
    """An empty FAT16 volume in memory."""
    sectors = SECTORS * cluster_sectors
    store = Store.blank(sectors * 512)
    format_volume(store, 0, FatOptions(total_sectors=sectors, bits=16, sectors_per_cluster=cluster_sectors), WHEN)
    volume = FatVolume(store)
    return volume, FatEditor(volume, WHEN)


def contents(volume: FatVolume) -> bytes:
    return volume.store.read(0, volume.store.size)


def disk_with(files: dict[str, bytes]) -> bytes:
    volume, editor = new_volume()
    for path, data in files.items():
        editor.write(path, data)
    editor.flush()
    return contents(volume)


def files_of(volume: FatVolume) -> list[FatFile]:
    return [found for found in volume.walk() if not found.item.is_directory]


def shown(name: str) -> str:
    """A name as the kernel shows it: one `?` for each UTF-16 unit that is no printable ASCII."""
    units = memoryview(name.encode("utf-16-le")).cast("H")
    return "".join(chr(unit) if 0x20 <= unit <= 0x7E else "?" for unit in units)


def patched(disk: bytes, offset: int, data: bytes) -> bytes:
    return disk[:offset] + data + disk[offset + len(data) :]


NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters='"*/:<>?\\|\x7f'), min_size=1, max_size=60
).filter(lambda name: name[-1] not in ". " and name[0] not in ". ")
TREES = st.lists(st.tuples(st.lists(NAMES, max_size=3), NAMES, st.integers(0, 3000)), max_size=12)


@settings(max_examples=40)
@given(tree=TREES)
def test_tree_is_listed_as_the_toolkit_lists_it(reader: Reader, tree: list[tuple[list[str], str, int]]) -> None:
    volume, editor = new_volume()
    for folders, name, size in tree:
        folder = "".join(f"/{part}" for part in folders)
        with contextlib.suppress(BfimgError):  # a file stands where a folder should be
            editor.make_folders(folder)
            editor.write(f"{folder}/{name}", bytes(size))
    editor.flush()
    assert reader.mount(contents(volume)) == OK
    assert sorted(reader.list()) == sorted(
        (shown(found.path), str(found.item.size), str(found.item.first_cluster)) for found in files_of(volume)
    )


def test_names_in_lower_case_flags_and_names_of_other_code_pages(reader: Reader) -> None:
    disk = disk_with({"/BASE.TXT": b"", "/REST.TXT": b"", "/BOTH.TXT": b"", "/PLAIN": b"", "/X.TXT": b""})
    for name, flags in {"BASE": 8, "REST": 16, "BOTH": 24}.items():
        at = disk.index(name.encode().ljust(8) + b"TXT") + DirectoryEntry.offset_of("case_flags")
        disk = patched(disk, at, bytes([flags]))
    disk = patched(disk, disk.index(b"X       TXT"), b"\x05\x84\x1f")
    assert reader.mount(disk) == OK
    paths = [path for path, *_ in reader.list()]
    assert paths == ["/base.TXT", "/REST.txt", "/both.txt", "/PLAIN", "/???.TXT"]


LONG = "a name of three parts, to be sure.mod"


@pytest.mark.parametrize(
    ("part", "offset", "value"),
    [
        (0, LongNameEntry.offset_of("checksum"), 0),
        (1, LongNameEntry.offset_of("checksum"), 0),
        (0, 0, 3),  # not marked as the last part
        (0, 0, 0x44),
        (0, 0, 0x40),
        (0, 0, 0x7F),
        (1, 0, 0x43),
        (1, 0, 1),
        (2, 0, 2),
        (2, 0, 0xE5),
        (1, LongNameEntry.offset_of("attributes"), 0x20),
    ],
)
def test_long_name_that_does_not_belong_is_ignored(reader: Reader, part: int, offset: int, value: int) -> None:
    disk = disk_with({f"/{LONG}": b""})
    short = disk.index(b"ANAMEO~1MOD")
    assert reader.mount(disk) == OK and reader.list()[0][0] == f"/{LONG}"
    damaged = patched(disk, short - 32 * (3 - part) + offset, bytes([value]))
    assert reader.mount(damaged) == OK
    assert reader.list()[-1][0] == "/ANAMEO~1.MOD"


def test_longest_name(reader: Reader) -> None:
    name = "n" * 255
    assert reader.mount(disk_with({f"/{name}": b"x"})) == OK
    assert [path for path, *_ in reader.list()] == [f"/{name}"]
    assert reader.open(f"/{name}") == OK


def test_eight_directories_inside_one_another_are_read_and_a_ninth_is_not(reader: Reader) -> None:
    eight = "".join(f"/{'d' * 200}{level}" for level in range(8))
    volume, editor = new_volume()
    editor.make_folders(f"{eight}/TOODEEP")
    for path in (f"{eight}/LAST.TXT", f"{eight}/TOODEEP/FILE.TXT", "/BEHIND.TXT"):
        editor.write(path, b"")
    editor.flush()
    assert reader.mount(contents(volume)) == OK
    assert [row[:2] for row in reader.list()] == [
        (f"{eight}/TOODEEP", str(TOO_DEEP)),
        (f"{eight}/LAST.TXT", "0"),
        ("/BEHIND.TXT", "0"),
    ]


@pytest.mark.parametrize("target", ["itself", "parent", "root", "file", "outside", "free"])
def test_directory_that_leads_elsewhere_is_reported_and_the_walk_goes_on(reader: Reader, target: str) -> None:
    volume, editor = new_volume()
    editor.make_folders("/OUTER/INNER")
    editor.write("/OUTER/INNER/A.TXT", b"")
    editor.write("/BEHIND.TXT", bytes(600))
    editor.flush()
    disk = contents(volume)
    place = {path: volume.find(path).item.first_cluster for path in ("/OUTER", "/OUTER/INNER")}
    cluster, result = {
        "itself": (place["/OUTER/INNER"], OK),
        "parent": (place["/OUTER"], LOOP),
        "root": (0, BAD_CLUSTER),
        "file": (volume.find("/BEHIND.TXT").item.first_cluster, OK),  # zeros: an empty directory
        "outside": (0xFFF0, BAD_CLUSTER),
        "free": (4000, OK),
    }[target]
    at = disk.index(b"INNER      ") + DirectoryEntry.offset_of("first_cluster_low")
    assert reader.mount(patched(disk, at, cluster.to_bytes(2, "little"))) == OK
    listing = reader.list()
    assert listing[-1][0] == "/BEHIND.TXT"
    assert (("/OUTER/INNER", str(result)) in listing) == (result != OK)


def test_directory_whose_chain_runs_in_a_circle_ends(reader: Reader) -> None:
    volume, editor = new_volume()
    editor.make_folders("/MANY")
    for number in range(62):  # with "." and "..", four clusters of 16 entries
        editor.write(f"/MANY/F{number}", b"")
    editor.write("/BEHIND.TXT", b"")
    editor.flush()
    chain = volume.table.chain(volume.find("/MANY").item.first_cluster)
    at = volume.geometry.fat_offset() + 2 * chain[-1]
    disk = patched(contents(volume), at, chain[1].to_bytes(2, "little"))
    assert reader.mount(disk) == OK
    listing = reader.list()
    assert listing[-2:] == [("/MANY", str(LOOP)), ("/BEHIND.TXT", "0", "0")]
    assert len(listing) == 64
    assert reader.open("/MANY/ABSENT") == LOOP  # bounded by the size of a directory


def fragmented(cluster_sectors: int) -> tuple[bytes, bytes]:
    """A volume whose /FILE lies in many pieces, and the contents of that file."""
    data = random.Random(1).randbytes(20 * 512 * cluster_sectors + 77)
    volume, editor = new_volume(cluster_sectors)
    for number in range(30):
        editor.write(f"/GAP{number}", bytes(512 * cluster_sectors))
    for number in range(0, 30, 3):
        editor.remove(f"/GAP{number}")
    editor.write("/FILE", data)
    editor.flush()
    chain = volume.table.chain(volume.find("/FILE").item.first_cluster)
    assert sum(after != before + 1 for before, after in itertools.pairwise(chain)) > 5
    return contents(volume), data


@pytest.mark.parametrize("cluster_sectors", [1, 4])
def test_reads_and_seeks_give_the_bytes_of_the_file(reader: Reader, cluster_sectors: int) -> None:
    disk, data = fragmented(cluster_sectors)
    assert reader.mount(disk) == OK
    assert reader.open("/file") == OK
    choose, position = random.Random(2), 0
    for _ in range(3000):
        if choose.random() < 0.5:
            wanted = choose.choice([0, 512, len(data), len(data) + 1, choose.randrange(len(data))])
            assert reader.library.seek(wanted) == (wanted <= len(data))
            position = wanted if wanted <= len(data) else position
        size = choose.choice([0, 1, 511, 512, 513, 4096, 2 * len(data), choose.randrange(len(data))])
        assert reader.read(size) == (OK, data[position : position + size])
        position = min(position + size, len(data))
    reader.library.close_file()
    assert reader.read(10) == (END, b"")


def test_file_is_read_whole_with_few_reads_and_counted(reader: Reader) -> None:
    data = bytes(range(256)) * 400
    assert reader.mount(disk_with({"/FILE": data})) == OK
    assert reader.open("/FILE") == OK
    assert reader.read_whole(len(data)) == (OK, data)
    assert reader.read_whole(len(data) - 1)[0] == TOO_LARGE
    assert reader.library.bytes_read() == 512 * reader.sectors_read
    assert reader.library.milliseconds() == reader.sectors_read  # one tick a sector here
    assert reader.sectors_read < len(data) / 512 + 5


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("/LIB/sum.mod", OK),
        ("/lib/SUM.MOD", OK),
        ("/LIB", END),
        ("/LIB/", END),
        ("/LIB/sum.mo", END),
        ("/LIB/sum.mod/x", END),
        ("/sum.mod", END),
        ("/", END),
        ("/ABSENT/sum.mod", END),
    ],
)
def test_file_is_opened_by_its_path(reader: Reader, path: str, result: int) -> None:
    volume, editor = new_volume()
    editor.make_folders("/LIB")
    editor.write("/LIB/sum.mod", b"here")
    editor.flush()
    assert reader.mount(contents(volume)) == OK
    assert reader.open(path) == result
    if result == OK:
        assert reader.read(100) == (OK, b"here")


def test_damaged_volumes_are_walked_and_read_to_an_end(reader: Reader) -> None:
    volume, editor = new_volume()
    editor.make_folders("/A/B/C")
    editor.make_folders("/D with a long name")
    for number in range(40):
        folder = ("", "/A", "/A/B", "/A/B/C", "/D with a long name")[number % 5]
        editor.write(f"{folder}/file number {number}.mod", bytes(100 * number))
    editor.flush()
    disk, geometry = contents(volume), volume.geometry
    used = max(max(volume.table.chain(found.item.first_cluster), default=0) for found in files_of(volume)) + 30
    places = [
        (geometry.fat_offset(), 2 * used),
        (geometry.root_offset, 4096),
        (geometry.cluster_offset(2), 512 * used),
    ]
    choose = random.Random(3)
    for _ in range(400):
        damaged = bytearray(disk)
        for _ in range(choose.choice([1, 3, 30])):
            start, size = choose.choice(places)
            damaged[start + choose.randrange(size)] = choose.choice(
                [0, 1, 0x10, 0x0F, 0xE5, 0xFF, choose.randrange(256)]
            )
        assert reader.mount(bytes(damaged)) == OK
        for path, *rest in reader.list():
            if len(rest) == 2 and reader.open(path) == OK:
                reader.read_whole(1 << 16)
        assert reader.sectors_read < 40 * SECTORS
