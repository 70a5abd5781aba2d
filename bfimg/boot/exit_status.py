"""What QEMU's exit status says about the guest."""

from __future__ import annotations

from dataclasses import dataclass

from bfimg.formats.boot_protocol import BOOT_ERROR_MEANINGS, BootError, ExitValue


@dataclass(frozen=True, slots=True)
class GuestExit:
    """The value the guest wrote to isa-debug-exit.

    name: of the ExitValue, None for a value that has none. boot_error: number of a failure of stage 1 or 2.
    """

    value: int
    name: str | None
    boot_error: int | None

    @property
    def boot_error_meaning(self) -> str | None:
        if self.boot_error is None:
            return None
        try:
            return BOOT_ERROR_MEANINGS[BootError(self.boot_error)]
        except ValueError:
            return "a number this version does not know"


def guest_exit(status: int) -> GuestExit | None:
    """The guest's own ending behind QEMU's `status`; None when QEMU ended for another reason.

    isa-debug-exit makes the status (value << 1) | 1. Status 1 would be value 0, which no guest writes: it is
    how QEMU itself fails. Status 0 is a shut-down or, under -no-reboot, a reset.
    """
    if status < 3 or status % 2 == 0:
        return None
    value = status >> 1
    if value >= ExitValue.BOOT_ERROR:
        return GuestExit(value, ExitValue.BOOT_ERROR.name, value - ExitValue.BOOT_ERROR)
    known = value in (ExitValue.PASSED, ExitValue.FAILED, ExitValue.FAULT)
    return GuestExit(value, ExitValue(value).name if known else None, None)
