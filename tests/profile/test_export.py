"""Only an export that is complete, and whose CRC is right, is taken out of the serial output."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.errors import FormatError
from bfimg.profile import export
from bfimg.profile.export import take_export

DOCUMENT = b'{"schema_version":1,\n"modules":[]}\n'


def sent(document: bytes = DOCUMENT, crc: int | None = None) -> bytes:
    """The export as it comes over the serial port."""
    crc = zlib.crc32(document) if crc is None else crc
    body = document.replace(b"\n", b"\r\n")
    return b"--- BEGIN JSON ---\r\n" + body + b"--- END JSON ---\r\n--- CRC32 %08x ---\r\n" % crc


def test_the_document_is_what_stands_between_the_marks():
    assert take_export(b"hello\r\n" + sent() + b"bye\r\n") == DOCUMENT


def test_of_several_exports_the_last_is_taken():
    assert take_export(sent(b"1\n") + sent(b"2\n")) == b"2\n"


def test_the_crc_is_that_of_the_standard():
    """The check value of CRC-32/ISO-HDLC is that of the digits 1 to 9."""
    assert zlib.crc32(b"123456789") == 0xCBF43926


@given(st.integers(0, len(sent()) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_found(place, change):
    data = bytearray(sent())
    data[place] ^= change
    try:
        document = take_export(bytes(data))
    except FormatError:
        return
    # Not damaged: line ends, and digits of the CRC that mean the same.
    assert document == DOCUMENT


@given(st.integers(0, len(sent().rstrip()) - 1))
def test_an_export_that_is_cut_anywhere_is_refused(length):
    with pytest.raises(FormatError, match=r"sent no export|was cut after|has no CRC line"):
        take_export(sent()[:length])


@pytest.mark.parametrize(
    ("serial", "message"),
    [
        (b"", "the kernel sent no export; see the serial output: boot --transcript"),
        (b"x--- BEGIN JSON ---\n", "the kernel sent no export"),
        (b"--- BEGIN JSON ---\n{\n", "the export was cut after 2 lines; see what ended the run"),
        (b"--- BEGIN JSON ---\n--- END JSON ---\n", "the export has no CRC line"),
        (b"--- BEGIN JSON ---\n--- END JSON ---\n--- CRC32 0123456 ---\n", "the export has no CRC line"),
        (sent(crc=0xABCD), "the CRC of the export is [0-9a-f]{8}, the kernel says 0000abcd; boot again"),
    ],
)
def test_what_is_wrong_is_said(serial, message):
    with pytest.raises(FormatError, match=message):
        take_export(serial)


def test_an_export_of_any_length_is_not_taken(monkeypatch):
    monkeypatch.setattr(export, "EXPORT_MAX", len(DOCUMENT))
    assert take_export(sent()) == DOCUMENT
    with pytest.raises(FormatError, match="the export has 36 bytes, more than 35; instrument fewer modules"):
        take_export(sent(DOCUMENT + b"\n"))
