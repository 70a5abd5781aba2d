"""Keys that are pressed for the guest, each when it waits for one."""

from __future__ import annotations

from collections.abc import Sequence

from bfimg.boot.monitor import Monitor
from bfimg.boot.serial_text import shortened


class ScriptedKeys:
    """`keys`, pressed in their order by way of `monitor`. A guest that waits for more is ended: nobody will come."""

    def __init__(self, keys: Sequence[str], monitor: Monitor) -> None:
        self._keys = keys
        self.monitor = monitor
        self._pressed = 0
        self._ended = False

    def start(self) -> None:
        """Let the guest begin; see Monitor.start."""
        self.monitor.start(self._keys)

    def guest_waits(self) -> None:
        """The guest waits for a key, and gets the next one."""
        if self._pressed < len(self._keys):
            self.monitor.press(self._keys[self._pressed])
            self._pressed += 1
        elif not self._ended:
            self._ended = True
            self.monitor.quit()

    @property
    def ended_guest(self) -> bool:
        """Whether the guest was ended because it waited for more keys than there are."""
        return self._ended

    @property
    def unused(self) -> str | None:
        """The keys that the guest never waited for, as one line; None when there are none."""
        return shortened(" ".join(self._keys[self._pressed :])) or None
