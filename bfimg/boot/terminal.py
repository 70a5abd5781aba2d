"""The user's terminal as the guest's: keys go to it as they are typed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bfimg.errors import UsageError


@dataclass(frozen=True, slots=True)
class Terminal:
    """keyboard: descriptor that keys are read from. show: gets text, which is harmless, as it comes."""

    keyboard: int
    show: Callable[[str], object]


@contextlib.contextmanager
def typed_keys(descriptor: int) -> Iterator[None]:
    """While the block runs, what is typed on the terminal `descriptor` can be read key by key and is not shown.

    Ctrl-C still interrupts; every other key is the guest's. The terminal's mode is restored whatever happens to
    the block. Raises UsageError when the descriptor is no terminal.
    """
    if not os.isatty(descriptor):
        raise UsageError(
            "an interactive run needs a terminal for its input", hint="give the keys beforehand: --keys 'l q'"
        )
    import termios

    before = termios.tcgetattr(descriptor)
    during = termios.tcgetattr(descriptor)
    local, characters = 3, 6  # indices of the fields c_lflag and c_cc
    during[local] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
    during[characters][termios.VMIN], during[characters][termios.VTIME] = 1, 0
    disabled = os.fpathconf(descriptor, "PC_VDISABLE").to_bytes()
    for suspending in (termios.VSUSP, termios.VQUIT):
        # Both would leave the terminal as it is now.
        during[characters][suspending] = disabled
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, during)
        yield
    finally:
        with contextlib.suppress(termios.error):  # a terminal that has gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
