"""Sectors that cannot be read: QEMU's blkdebug makes the drive fail them."""

import subprocess

import pytest

from bfimg.boot import BootOptions
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.boot.serial_protocol import parse_machine_lines
from bfimg.fat.volume import FatVolume
from bfimg.formats.boot_protocol import BootError
from bfimg.image.store import Store

PARTITION = 2048 * 512


@pytest.fixture
def run_with_bad_sector(disk):
    """Function that boots the default image with one sector that cannot be read, or none.

    Gives QEMU's exit status, the serial text and the machine lines.
    """

    def run(sector=None):
        command = list(qemu_command(BootOptions(disk), find_qemu(), "0" * 32))
        drive = f"driver=raw,if=ide,index=0,file.driver=blkdebug,file.image.driver=file,file.image.filename={disk}"
        if sector is not None:
            fault = {"event": "read_aio", "sector": sector, "errno": 5, "once": "off"}
            drive += "".join(f",file.inject-error.0.{key}={value}" for key, value in fault.items())
        command[command.index("-drive") + 1] = drive
        result = subprocess.run(command, capture_output=True, timeout=20, check=False)
        text = result.stdout.decode()
        return result.returncode, text, parse_machine_lines(text.splitlines())

    return run


@pytest.fixture
def places(disk):
    """Sectors of interest, counted from the start of the image."""
    with Store.open(disk) as store:
        volume = FatVolume(store, PARTITION)
        geometry = volume.geometry
        module = volume.find("/SUM.MOD").item
        start = geometry.cluster_offset(module.first_cluster)
        offsets = {
            "first of module": start,
            "last of module": start + module.size - 1,
            "configuration": geometry.cluster_offset(volume.find("/BAREFLOW.CFG").item.first_cluster),
            "root directory": geometry.root_offset,
            "allocation table": geometry.fat_offset(),
            "boot sector": 0,
        }
    return {name: (PARTITION + offset) // 512 for name, offset in offsets.items()}


def status(value):
    """QEMU's exit status for a value the kernel ends with."""
    return value << 1 | 1


def test_without_a_bad_sector_all_is_well(run_with_bad_sector):
    code, _, lines = run_with_bad_sector()
    assert code == status(0x10)
    assert lines.of("done")[0]["passed"] == 12


@pytest.mark.parametrize("place", ["first of module", "last of module"])
def test_module_that_cannot_be_read_is_reported_and_the_others_run(run_with_bad_sector, places, place):
    code, _, lines = run_with_bad_sector(places[place])
    bad = [module for module in lines.modules if module.status != "passed"]
    assert [(module.file, module.status, module.reason) for module in bad] == [
        ("/SUM.MOD", "invalid", "the disk could not be read")
    ]
    assert (lines.of("done")[0]["passed"], lines.of("done")[0]["invalid"]) == (11, 1)
    assert code == status(0x11)


def test_configuration_that_cannot_be_read_is_reported(run_with_bad_sector, places):
    code, _, lines = run_with_bad_sector(places["configuration"])
    assert [event["problem"] for event in lines.of("config") if "problem" in event] == ["the disk could not be read"]
    assert (code, lines.of("done")[0]["passed"]) == (status(0x11), 12)


@pytest.mark.parametrize("place", ["root directory", "boot sector"])
def test_volume_that_cannot_be_read_is_reported(run_with_bad_sector, places, place):
    code, _, lines = run_with_bad_sector(places[place])
    assert [event["problem"] for event in lines.of("volume")] == ["the disk could not be read"]
    # What is embedded in the kernel still runs.
    assert (code, lines.of("done")[0]["passed"]) == (status(0x11), 1)


def test_allocation_table_that_cannot_be_read_makes_every_module_invalid(run_with_bad_sector, places):
    code, _, lines = run_with_bad_sector(places["allocation table"])
    on_disk = [module for module in lines.modules if module.source == "disk"]
    assert {module.reason for module in on_disk} == {"the disk could not be read"}
    assert (code, len(on_disk)) == (status(0x11), 12)
    assert [(module.name, module.status) for module in lines.modules if module.source == "embedded"] == [
        ("fibonacci", "passed")
    ]


@pytest.mark.parametrize(
    ("sector", "error"), [(1, BootError.STAGE2_READ), (8, BootError.STAGE2_READ), (9, BootError.KERNEL_READ)]
)
def test_boot_code_names_the_failure_by_number(run_with_bad_sector, sector, error):
    code, text, _ = run_with_bad_sector(sector)
    assert code == status(0x40 + error)
    assert f"BF-E{int(error):02}" in text
