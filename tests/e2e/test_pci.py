"""What the kernel finds on the PCI bus is what QEMU says it has put there."""

import re

import pytest

BRIDGES = (
    *("-device", "pci-bridge,id=first,chassis_nr=1,bus={root},addr=0x10"),
    *("-device", "pci-bridge,id=second,chassis_nr=2,bus=first,addr=0x03"),
    *("-device", "e1000,bus=second,addr=0x1f"),
    *("-device", "e1000,bus=first,addr=0x01,multifunction=on"),
    *("-device", "ich9-usb-uhci1,bus=first,addr=0x01.0x6"),
)


def stated_by_qemu(machine):
    """(address, vendor, device, class words) from `info pci`, in the order of the addresses."""
    devices = re.findall(
        r"Bus +(\d+), device +(\d+), function (\d+):\n +(.*?): PCI device (\w{4}):(\w{4})", machine.monitor("info pci")
    )
    return sorted(
        (f"{int(bus):02x}:{int(device):02x}.{function}", int(vendor, 16), int(product, 16), words)
        for bus, device, function, words, vendor, product in devices
    )


KINDS = (
    *("ahci", "megasas", "lsi53c895a", "virtio-scsi-pci", "virtio-rng-pci", "pci-serial", "nec-usb-xhci"),
    *("sdhci-pci", "virtio-keyboard-pci"),
)
# QEMU's words for a class, where they are not the specification's.
SAME_CLASS = {
    "IDE controller": "IDE interface", "PCI bridge": "PCI-to-PCI bridge", "SMBus": "SMBus controller",
    "Serial port": "serial controller", "Keyboard": "input device",
    "Class 0255": "device of no class", "Class 2053": "system peripheral",
}  # fmt: skip


def normalised(words):
    return SAME_CLASS.get(words, words).lower()


@pytest.mark.parametrize(("machine", "root"), [("pc", "pci.0"), ("q35", "pcie.0")])
@pytest.mark.parametrize("extra", [(), BRIDGES], ids=["plain", "bridges"])
def test_devices_are_those_of_info_pci(start_machine, kernel_disk, machine, root, extra):
    running = start_machine(kernel_disk, *(text.format(root=root) for text in extra), machine=machine)
    running.wait_for("done")
    devices, stated = running.events("pci"), stated_by_qemu(running)
    found = [(event["address"], event["vendor"], event["device"], event["class_name"].lower()) for event in devices]
    assert found == [(address, vendor, product, normalised(words)) for address, vendor, product, words in stated]
    assert len(found) >= (10 if extra else 5)
    if extra:
        assert {address[:2] for address, *_ in found} == {"00", "01", "02"}
    for event in devices:
        line = f"PCI {event['address']} {event['vendor']:04x}:{event['device']:04x} {event['class_name']}"
        assert line in running.lines


def test_kinds_of_devices_are_named(start_machine, kernel_disk):
    running = start_machine(kernel_disk, *(word for kind in KINDS for word in ("-device", kind)))
    running.wait_for("done")
    names = [normalised(words) for *_, words in stated_by_qemu(running)]
    assert [event["class_name"].lower() for event in running.events("pci")] == names
    assert len({*names}) >= len(KINDS)


def test_classes_are_numbers_of_the_specification(disk, boot_disk):
    devices = {event["address"]: event for event in boot_disk(disk).events("pci")}
    ide = devices["00:01.1"]
    assert (ide["class"], ide["subclass"], ide["programming_interface"], ide["revision"]) == (1, 1, 0x80, 0)
    assert (devices["00:02.0"]["class"], devices["00:02.0"]["subclass"]) == (3, 0)


def test_machine_without_pci_has_no_devices(start_machine, kernel_disk):
    running = start_machine(kernel_disk, "-cpu", "qemu32", machine="isapc")
    running.wait_for("done")
    assert not running.events("pci")


def test_more_devices_than_are_listed_are_counted(start_machine, kernel_disk):
    functions = [
        f"virtio-rng-pci,addr={slot:#x}.{function},multifunction=on" for slot in range(3, 8) for function in range(8)
    ]
    extra = [word for device in functions for word in ("-device", device)]
    running = start_machine(kernel_disk, *extra)
    running.wait_for("done")
    assert len(running.events("pci")) == 32
    assert f"PCI: {len(stated_by_qemu(running)) - 32} more devices are not listed" in running.lines
