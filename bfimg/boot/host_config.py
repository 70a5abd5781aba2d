"""Lines of configuration that reach the kernel from the host, before those of the volume."""

from __future__ import annotations

from collections.abc import Sequence

from bfimg.errors import UsageError
from bfimg.formats.boot_protocol import HOST_CONFIG_MAX


def host_config(settings: Sequence[str], needed: Sequence[str]) -> str:
    """Text of the fw_cfg file HOST_CONFIG_FILE: a line for each of `settings` (``key=value``), in their order, then
    ``yes`` for the keys that the options of the run need. Empty without any.

    What a key means is the kernel's to say. Raises UsageError for a setting that is no such line, that says what
    an option says, or when the text exceeds HOST_CONFIG_MAX.
    """
    lines = []
    for setting in settings:
        key, value = _parse(setting)
        if key in needed:
            raise UsageError(f"the setting {setting!r} is not free: the run needs {key} = yes", hint="leave it out")
        lines.append((key, value))
    text = "".join(f"{key} = {value}\n" for key, value in [*lines, *((key, "yes") for key in needed)])
    if len(text) > HOST_CONFIG_MAX:
        raise UsageError(
            f"the settings take {len(text)} bytes, the kernel reads {HOST_CONFIG_MAX}",
            hint="put some into BAREFLOW.CFG on the volume",
        )
    return text


def _parse(setting: str) -> tuple[str, str]:
    key, equals, value = (part.strip() for part in setting.partition("="))
    # As the kernel reads a line: printable ASCII, and # starts a comment.
    if not (key and equals and value and setting.isascii() and setting.isprintable()) or "#" in setting:
        raise UsageError(
            f"the setting {setting!r} is no KEY=VALUE in printable ASCII without #", hint="such as iterations=100"
        )
    return key, value
