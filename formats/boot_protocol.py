"""How a booted image talks to the host: exit values, boot errors, and the lines for machines on COM1."""

from __future__ import annotations

from enum import IntEnum

from bfimg.formats.structure import Constant, TextConstant

DEBUG_EXIT_PORT = Constant(0xF4, "I/O port of QEMU's isa-debug-exit device; reads 0 when it is there")
FW_CFG_SELECTOR_PORT = Constant(0x510, "I/O port that selects a QEMU fw_cfg item")
FW_CFG_DATA_PORT = Constant(0x511, "I/O port that reads the selected fw_cfg item, a byte at a time")
FW_CFG_FILE_DIRECTORY = Constant(0x19, "fw_cfg selector of the file directory")
NONCE_FILE = TextConstant("opt/bareflow/nonce", "fw_cfg file with the nonce the kernel echoes in its boot line")
NONCE_MAX = Constant(64, "Longest nonce the kernel echoes", "bytes")
LINE_PREFIX = TextConstant("@@ ", "Starts each line for machines; one JSON object follows")
HOST_CONFIG_FILE = TextConstant("opt/bareflow/config", "fw_cfg file with lines that go before those of CONFIG_FILE")
HOST_CONFIG_MAX = Constant(1024, "Longest such file the kernel reads", "bytes")
EXPORT_VERSION = Constant(1, "Version of the export's JSON schema")
EXPORT_BEGIN = TextConstant("--- BEGIN JSON ---", "Line before the export")
EXPORT_END = TextConstant("--- END JSON ---", "Line behind the export; CRC-32 of the lines between follows")
EXPORT_CRC = TextConstant("--- CRC32 ", "Starts the line behind EXPORT_END: 8 hexadecimal digits and ' ---' follow")
CONFIG_FILE = TextConstant("BAREFLOW.CFG", "Text file on the volume that says what to run")


class ExitValue(IntEnum):
    """Values written to isa-debug-exit. QEMU's exit status is (value << 1) | 1.

    BOOT_ERROR is a base: the BootError number is added to it.
    """

    PASSED = 0x10
    FAILED = 0x11
    FAULT = 0x12
    BOOT_ERROR = 0x40


class BootError(IntEnum):
    """Numbered failures of stage 1 (1 and 2) and stage 2, shown as ``BF-Enn`` on screen and serial."""

    STAGE2_READ = 1
    STAGE2_MAGIC = 2
    DESCRIPTOR_CRC = 3
    DESCRIPTOR_VERSION = 4
    KERNEL_EXTENT = 5
    A20 = 6
    KERNEL_READ = 7
    KERNEL_SIGNATURE = 8
    KERNEL_CRC = 9
    KERNEL_TRUNCATED = 10
    KERNEL_ENTRY = 11


BOOT_ERROR_MEANINGS: dict[BootError, str] = {
    BootError.STAGE2_READ: "the BIOS could not read stage 2",
    BootError.STAGE2_MAGIC: "stage 2 has no descriptor",
    BootError.DESCRIPTOR_CRC: "the CRC of the stage-2 descriptor is wrong",
    BootError.DESCRIPTOR_VERSION: "the stage-2 descriptor has a version this loader does not read",
    BootError.KERNEL_EXTENT: "the descriptor asks for more than fits in memory, or for nothing",
    BootError.A20: "address line A20 could not be enabled",
    BootError.KERNEL_READ: "the BIOS could not read the kernel",
    BootError.KERNEL_SIGNATURE: "the kernel has no signature",
    BootError.KERNEL_CRC: "the CRC of the kernel is wrong",
    BootError.KERNEL_TRUNCATED: "the kernel is longer than the descriptor says",
    BootError.KERNEL_ENTRY: "the kernel's entry is outside its image",
}
