"""What to boot, and how."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bfimg.boot.host_config import host_config
from bfimg.errors import UsageError

# A run that needs more is a mistake; it also keeps the number within what a timer takes.
TIMEOUT_MAX_SECONDS = 86_400.0
# The kernel's memory map ends at 3 MiB, below what the firmware takes at the end.
MEMORY_MIN_MIB = 4
# QEMU's PC has no more below its devices; the rest would be above 4 GiB, out of the kernel's reach.
MEMORY_MAX_MIB = 3584
# What QEMU answers with a list instead of a run.
QUESTIONS = ("help", "?")


@dataclass(frozen=True, slots=True)
class BootOptions:
    """One run of an image.

    image: the boot disk. slave: a second disk, ATA slave on the same channel.
    keep_writes: what the guest writes to the boot disk, its JIT cache, stays there: the image is changed in place.
        Otherwise, and of the slave always, it is dropped at the end.
    timeout: wall-clock seconds after which the run is ended and failed; None lets it run for ever.
    expect: regular expressions; each must be found in some line of the serial output, machine lines included.
        A match does not end the run: the guest goes on until it ends by itself or the timeout comes.
    icount: count guest instructions instead of time, so that cycle counts are the same on every run.
    memory_mib: guest memory in MiB, MEMORY_MIN_MIB to MEMORY_MAX_MIB.
    machine, cpu: QEMU's names; cpu None takes QEMU's own choice.
    qemu: program to run; None takes BFIMG_QEMU, then qemu-system-i386 or qemu-system-x86_64 on PATH.
    transcript: file that receives the serial bytes unchanged, as they come.
    floppy: attach the image as floppy disk A and boot from that, instead of as ATA master.
    config: settings (``key=value``) that go before those of BAREFLOW.CFG on the volume.
    interactive: the kernel shows its menu, on a terminal that `boot` is given.
    keys: names as QEMU knows them, several pressed together joined by ``-``. The kernel shows its menu; each key is
        pressed when the kernel waits for one.
    profile: file that receives the kernel's export, when that is complete and correct; a run without one fails.
    dump: file that receives, as text, what each pass of the kernel's compiler made of the modules that ran.

    Raises UsageError for a timeout, memory size, machine, cpu, regular expression or setting that cannot be used.
    """

    image: Path
    slave: Path | None = None
    timeout: float | None = 30.0
    expect: tuple[str, ...] = ()
    icount: bool = False
    memory_mib: int = 32
    machine: str = "pc"
    cpu: str | None = None
    qemu: str | None = None
    transcript: Path | None = None
    floppy: bool = False
    config: tuple[str, ...] = ()
    interactive: bool = False
    keys: tuple[str, ...] = ()
    profile: Path | None = None
    keep_writes: bool = False
    dump: Path | None = None

    def __post_init__(self) -> None:
        # Written so that a NaN is refused too.
        if self.timeout is not None and not 0 < self.timeout <= TIMEOUT_MAX_SECONDS:
            raise UsageError(
                f"a timeout of {self.timeout:g} s cannot be kept",
                hint=f"give more than 0 and at most {TIMEOUT_MAX_SECONDS:,.0f} seconds",
            )
        if not MEMORY_MIN_MIB <= self.memory_mib <= MEMORY_MAX_MIB:
            raise UsageError(
                f"{self.memory_mib} MiB of memory cannot be used",
                hint=f"give {MEMORY_MIN_MIB} to {MEMORY_MAX_MIB} MiB",
            )
        if self.interactive and self.keys:
            raise UsageError("keys are typed or given beforehand, not both", hint="leave out one of the two")
        _ = self.host_config
        for kind, name in (("machine", self.machine), ("cpu", self.cpu)):
            if name is not None and not set(QUESTIONS).isdisjoint(name.split(",")):
                raise UsageError(f"{name!r} is no {kind}", hint=f"QEMU lists them: qemu-system-i386 -{kind} help")
        for pattern in self.expect:
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                raise UsageError(
                    f"the expected text {pattern!r} is no regular expression: {error}",
                    hint="escape special characters with a backslash",
                ) from None

    @property
    def host_config(self) -> str:
        """Text of the fw_cfg file HOST_CONFIG_FILE."""
        needed = {
            "interactive": self.interactive or bool(self.keys),
            "export": self.profile is not None,
            "jit_dump": self.dump is not None,
        }
        return host_config(self.config, tuple(key for key, is_needed in needed.items() if is_needed))
