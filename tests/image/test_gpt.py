"""GUID partition tables made by sfdisk, whole and damaged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bfimg.formats.crc import CRC32
from bfimg.formats.gpt import GptEntry, GptHeader
from bfimg.image.gpt import guid_text
from bfimg.image.inspect import inspect
from bfimg.image.probe import ImageKind, probe
from bfimg.image.store import Store

SECTORS = 65536
LAST = SECTORS - 1
SCRIPT = """label: gpt
start=2048, size=8192, type=U, name="system"
start=16384, size=20000, type=L, name="Überraschung"
start=40960, size=2048, type=D6C1B9E4-3A5F-4C1E-9B7A-123456789ABC
"""


@pytest.fixture
def gpt_disk(tmp_path: Path) -> Path:
    path = tmp_path / "gpt.img"
    path.touch()
    with path.open("r+b") as stream:
        stream.truncate(SECTORS * 512)
    subprocess.run(["sfdisk", path], input=SCRIPT, text=True, check=True, capture_output=True)
    return path


def sfdisk(path: Path) -> dict[str, Any]:
    output = subprocess.run(["sfdisk", "--json", path], capture_output=True, text=True, check=True).stdout
    table: dict[str, Any] = json.loads(output)["partitiontable"]
    return table


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def change_header(path: Path, lba: int, **values: int | bytes) -> None:
    """Set fields of a header and make its CRC right again."""
    header = GptHeader.parse(path.read_bytes(), lba * 512).replace(**values, header_crc=0)
    overwrite(path, lba * 512, header.replace(header_crc=CRC32.compute(header.to_bytes())).to_bytes())


def findings(path: Path) -> dict[str, str]:
    return {finding.place: finding.message for finding in inspect(path).findings}


def regions(path: Path) -> dict[str, tuple[int, int, str]]:
    with Store.open(path) as store:
        found = probe(store)
    assert found.kind is ImageKind.PARTITIONED
    return {r.name: (r.first_lba, r.size // 512, r.note) for r in found.regions}


def test_partitions_are_those_sfdisk_lists(gpt_disk: Path) -> None:
    assert regions(gpt_disk) == {
        "mbr": (0, 1, "boot code and partition table"),
        "gpt": (1, 33, "GUID partition table"),
        "part1": (2048, 8192, "GPT EFI system, 'system'"),
        "part2": (16384, 20000, "GPT Linux, 'Überraschung'"),
        "part3": (40960, 2048, "GPT d6c1b9e4-3a5f-4c1e-9b7a-123456789abc"),
        "gpt_backup": (LAST - 32, 33, "second copy of the GUID partition table"),
    }
    assert findings(gpt_disk) == {}


def test_fields_are_those_sfdisk_shows(gpt_disk: Path) -> None:
    table = sfdisk(gpt_disk)
    fields = {f.path: f.value for region in inspect(gpt_disk).regions for f in region.fields}
    assert guid_text(bytes.fromhex(str(fields["gpt.disk_guid"]))).upper() == table["id"]
    assert (fields["gpt.first_usable_lba"], fields["gpt.last_usable_lba"]) == (table["firstlba"], table["lastlba"])
    assert fields["gpt.alternate_lba"] == fields["gpt_backup.my_lba"] == LAST
    for index, partition in enumerate(table["partitions"]):
        entry = f"gpt.entries[{index}]"
        assert fields[f"{entry}.first_lba"] == fields[f"gpt_backup.entries[{index}].first_lba"] == partition["start"]
        assert fields[f"{entry}.last_lba"] == partition["start"] + partition["size"] - 1
        assert guid_text(bytes.fromhex(str(fields[f"{entry}.unique_guid"]))).upper() == partition["uuid"]
        assert guid_text(bytes.fromhex(str(fields[f"{entry}.type_guid"]))).upper() == partition["type"]
    assert f"gpt.entries[{len(table['partitions'])}].first_lba" not in fields


def test_a_fat_volume_in_a_partition_is_seen(gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
    assert bfimg("mkfs", gpt_disk, "--region", "part1", "--label", "system").code == 0
    (volume,) = inspect(gpt_disk).volumes
    assert (volume.region, volume.label) == ("part1", "SYSTEM")
    assert findings(gpt_disk) == {}


class TestSettingFields:
    """CRCs and the backup follow a change; what sfdisk then reads is what was set."""

    GUID = "0123456789abcdef0123456789abcdef"

    def test_entries_and_disk_guid(self, gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
        result = bfimg("set", gpt_disk, f"gpt.disk_guid={self.GUID}", "gpt.entries[1].last_lba=30000")
        assert result.code == 0, result.err
        assert findings(gpt_disk) == {}
        table = sfdisk(gpt_disk)
        assert table["id"] == guid_text(bytes.fromhex(self.GUID)).upper()
        assert table["partitions"][1]["size"] == 30000 - 16384 + 1
        overwrite(gpt_disk, 512, bytes(512))  # the backup says the same
        assert regions(gpt_disk)["part2"][:2] == (16384, 30000 - 16384 + 1)

    def test_the_backup_alone(self, gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
        assert bfimg("set", gpt_disk, "gpt_backup.entries[1].last_lba=30000").code == 0
        assert findings(gpt_disk) == {"gpt_backup": "its entries differ from those of the first copy"}

    def test_a_backup_that_differs_is_left_alone(self, gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
        overwrite(gpt_disk, 1024 + GptEntry.offset_of("attributes"), b"\xff")
        before = gpt_disk.read_bytes()[(LAST - 32) * 512 :]
        assert bfimg("set", gpt_disk, f"gpt.disk_guid={self.GUID}").code == 0
        assert gpt_disk.read_bytes()[(LAST - 32) * 512 :] == before

    def test_a_backup_of_another_layout_is_left_alone(self, gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
        before = gpt_disk.read_bytes()[(LAST - 32) * 512 :]
        assert bfimg("set", gpt_disk, "gpt.entry_count=64").code == 0
        assert gpt_disk.read_bytes()[(LAST - 32) * 512 :] == before

    def test_a_size_that_cannot_be(self, gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
        assert bfimg("set", gpt_disk, "gpt.entry_size=200").code == 0
        assert findings(gpt_disk)["gpt"] == "no readable header: only the backup is left"

    def test_a_crc_that_is_set_stays(self, gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
        assert bfimg("set", gpt_disk, "gpt.header_crc=1", "gpt.entries_crc=2").code == 0
        assert {"gpt.header_crc", "gpt.entries_crc"} <= findings(gpt_disk).keys()

    def test_raw_puts_nothing_right(self, gpt_disk: Path, bfimg: Callable[..., Any]) -> None:
        assert bfimg("set", gpt_disk, "--raw", "gpt.entry_count=0").code == 0
        assert findings(gpt_disk)["gpt"] == "no readable header: only the backup is left"
        assert bfimg("set", gpt_disk, "gpt.entry_count=128").code == 0
        assert findings(gpt_disk) == {}


class TestDamage:
    def test_header_crc(self, gpt_disk: Path) -> None:
        overwrite(gpt_disk, 512 + GptHeader.offset_of("disk_guid"), b"\xff")
        assert "computed" in findings(gpt_disk)["gpt.header_crc"]
        assert regions(gpt_disk)["part1"][0] == 2048

    def test_entries_crc_and_the_backup_counts(self, gpt_disk: Path) -> None:
        overwrite(gpt_disk, 1024 + GptEntry.offset_of("first_lba"), (4096).to_bytes(8, "little"))
        found = findings(gpt_disk)
        assert "computed" in found["gpt.entries_crc"]
        assert found["gpt_backup"] == "its entries differ from those of the first copy"
        assert regions(gpt_disk)["part1"][0] == 2048

    def test_no_first_header(self, gpt_disk: Path) -> None:
        overwrite(gpt_disk, 512, bytes(512))
        found = findings(gpt_disk)
        assert found["gpt"] == "no readable header: only the backup is left"
        assert "must be 0x5452415020494645" in found["gpt.signature"]
        assert regions(gpt_disk)["part2"][:2] == (16384, 20000)

    def test_no_backup(self, gpt_disk: Path) -> None:
        overwrite(gpt_disk, LAST * 512, bytes(512))
        assert findings(gpt_disk) == {"gpt": "the backup at the end of the disk is missing"}

    def test_no_copy_at_all(self, gpt_disk: Path) -> None:
        overwrite(gpt_disk, 512, bytes(512))
        overwrite(gpt_disk, LAST * 512, bytes(512))
        assert regions(gpt_disk).keys() == {"mbr", "gpt"}
        assert "no readable backup" in findings(gpt_disk)["gpt"]

    def test_disk_guids_that_differ(self, gpt_disk: Path) -> None:
        change_header(gpt_disk, LAST, disk_guid=bytes(16))
        assert findings(gpt_disk) == {"gpt_backup.disk_guid": "differs from that of the first copy"}

    def test_a_backup_without_entries_of_its_own(self, gpt_disk: Path) -> None:
        change_header(gpt_disk, LAST, entries_lba=2)
        assert findings(gpt_disk) == {"gpt_backup.entries_lba": "both headers lead to the same entries"}

    def test_a_backup_that_leads_elsewhere(self, gpt_disk: Path) -> None:
        change_header(gpt_disk, LAST, alternate_lba=2)
        assert findings(gpt_disk) == {"gpt_backup.alternate_lba": "is 2, the first header stands in sector 1"}

    def test_a_disk_that_has_grown(self, gpt_disk: Path) -> None:
        with gpt_disk.open("r+b") as stream:
            stream.truncate(2 * SECTORS * 512)
        assert findings(gpt_disk) == {
            "gpt.alternate_lba": f"is {LAST}, the last sector of the image is {2 * SECTORS - 1}"
        }

    def test_header_in_another_place(self, gpt_disk: Path) -> None:
        change_header(gpt_disk, 1, my_lba=7)
        assert findings(gpt_disk) == {"gpt.my_lba": "is 7, the header stands in sector 1"}

    def test_partition_outside_the_usable_sectors(self, gpt_disk: Path) -> None:
        change_header(gpt_disk, 1, first_usable_lba=4096)
        assert findings(gpt_disk) == {
            "gpt.entries[0]": "sectors 2048 to 10239, usable are 4096 to 65502",
            "gpt_backup.first_usable_lba": "differs from that of the first copy",
        }

    @pytest.mark.parametrize(
        "values",
        [{"entry_size": 0}, {"entry_size": 100}, {"entry_size": 1 << 31}, {"entry_count": 0}, {"entry_count": 1 << 31}],
    )
    def test_sizes_that_cannot_be_use_the_backup(self, gpt_disk: Path, values: dict[str, int]) -> None:
        change_header(gpt_disk, 1, **values)
        assert findings(gpt_disk)["gpt"] == "no readable header: only the backup is left"
        assert regions(gpt_disk)["part3"][0] == 40960

    @pytest.mark.parametrize("lba", [0, 1, 3, LAST, 1 << 40, (1 << 64) - 1])
    def test_entries_anywhere(self, gpt_disk: Path, lba: int) -> None:
        change_header(gpt_disk, 1, entries_lba=lba)
        assert regions(gpt_disk)["gpt"][:2] == (1, 1)
        assert regions(gpt_disk)["part1"][0] == 2048  # from the backup: the CRC of the entries is wrong
        change_header(gpt_disk, LAST, entries_lba=lba)
        assert regions(gpt_disk)["gpt_backup"][:2] == (LAST, 1)

    def test_a_partition_that_ends_before_it_begins(self, gpt_disk: Path) -> None:
        for table in (1024, (LAST - 32) * 512):
            overwrite(gpt_disk, table + GptEntry.offset_of("last_lba"), bytes(8))
        assert "part1" not in regions(gpt_disk)
        assert findings(gpt_disk)["gpt.entries[0]"] == "sectors 2048 to 0, usable are 2048 to 65502"

    @pytest.mark.parametrize("size", [512, 1024, 1536, 20_000])
    def test_an_image_cut_short(self, gpt_disk: Path, size: int) -> None:
        with gpt_disk.open("r+b") as stream:
            stream.truncate(size)
        report = inspect(gpt_disk)
        assert report.kind is ImageKind.PARTITIONED
        assert report.findings
