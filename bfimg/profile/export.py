"""The kernel's export in the serial output of a run: lines between two marker lines, then their CRC."""

from __future__ import annotations

import re
import zlib

from bfimg.errors import FormatError
from bfimg.formats.boot_protocol import EXPORT_BEGIN, EXPORT_CRC, EXPORT_END

# A kernel with every module instrumented sends less than a quarter of this.
EXPORT_MAX = 8 * 1024 * 1024
_CRC_LINE = re.compile(re.escape(EXPORT_CRC.encode()) + rb"([0-9A-Fa-f]{8}) ---")


def take_export(serial: bytes) -> bytes:
    """The document in the last export of `serial`, whose CRC is right, its line ends as LF.

    The CRC is CRC-32/ISO-HDLC of exactly these bytes. Raises FormatError when there is no export, or when it is cut,
    damaged or longer than EXPORT_MAX.
    """
    lines = [line.rstrip(b"\r") for line in serial.split(b"\n")]
    begin = _last(lines, EXPORT_BEGIN.encode())
    if begin is None:
        raise FormatError("the kernel sent no export", hint="see the serial output: boot --transcript")
    body = lines[begin + 1 :]
    end = _last(body, EXPORT_END.encode())
    if end is None:
        raise FormatError(f"the export was cut after {len(body)} lines", hint="see what ended the run")
    document = b"".join(line + b"\n" for line in body[:end])
    if len(document) > EXPORT_MAX:
        raise FormatError(
            f"the export has {len(document)} bytes, more than {EXPORT_MAX}", hint="instrument fewer modules"
        )
    stated = _CRC_LINE.fullmatch(body[end + 1]) if end + 1 < len(body) else None
    if stated is None:
        raise FormatError("the export has no CRC line", hint="see what ended the run")
    crc = zlib.crc32(document)
    if crc != int(stated[1], 16):
        raise FormatError(
            f"the CRC of the export is {crc:08x}, the kernel says {stated[1].decode().lower()}", hint="boot again"
        )
    return document


def _last(lines: list[bytes], wanted: bytes) -> int | None:
    return next((index for index in reversed(range(len(lines))) if lines[index] == wanted), None)
