"""Run an image in QEMU, judge what it did, report it: ``boot(BootOptions(image=Path("disk.img")))``."""

from bfimg.boot.options import BootOptions
from bfimg.boot.report import BootReport, Expectation
from bfimg.boot.serial_protocol import ModuleResult
from bfimg.boot.session import boot
from bfimg.boot.terminal import Terminal

__all__ = ["BootOptions", "BootReport", "Expectation", "ModuleResult", "Terminal", "boot"]
