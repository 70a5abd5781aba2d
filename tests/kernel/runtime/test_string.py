"""Memory and string routines, which kernel and modules share."""

import ctypes
import random

import pytest

ADDRESS, SIZE, TEXT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p


@pytest.fixture(scope="module")
def library(host_build, repository):
    library = ctypes.CDLL(str(host_build([repository / "kernel/lib/string.c"])))
    for name, result, *arguments in (
        ("memcpy", ADDRESS, ADDRESS, ADDRESS, SIZE),
        ("memmove", ADDRESS, ADDRESS, ADDRESS, SIZE),
        ("memset", ADDRESS, ADDRESS, ctypes.c_int, SIZE),
        ("memcmp", ctypes.c_int, TEXT, TEXT, SIZE),
        ("strlen", SIZE, TEXT),
        ("strcmp", ctypes.c_int, TEXT, TEXT),
        ("strncmp", ctypes.c_int, TEXT, TEXT, SIZE),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def test_copies_of_every_size_and_overlap(library):
    original = bytes(random.Random(1).randbytes(64))
    for size in range(24):
        for source in range(20, 28):
            for target in range(16, 32):
                buffer = ctypes.create_string_buffer(original, 64)
                start = ctypes.addressof(buffer)
                assert library.memmove(start + target, start + source, size) == start + target
                expected = original[:target] + original[source : source + size] + original[target + size :]
                assert buffer.raw == expected, (size, source, target)
        buffer = ctypes.create_string_buffer(original, 64)
        start = ctypes.addressof(buffer)
        assert library.memcpy(start + 35, start + 3, size) == start + 35
        assert buffer.raw == original[:35] + original[3 : 3 + size] + original[35 + size :]


def test_memset_takes_the_low_byte_and_stays_inside(library):
    for size in range(20):
        buffer = ctypes.create_string_buffer(b"x" * 32, 32)
        start = ctypes.addressof(buffer)
        assert library.memset(start + 5, 0x1FE, size) == start + 5
        assert buffer.raw == b"x" * 5 + b"\xfe" * size + b"x" * (27 - size)


def sign(number):
    return (number > 0) - (number < 0)


def test_comparisons_are_of_unsigned_bytes(library):
    words = [b"", b"a", b"ab", b"abc", b"abd", b"b", b"\x7f", b"\x80", b"\xff", b"a\x80", b"same but longer"]
    for left in words:
        for right in words:
            expected = (left > right) - (left < right)
            assert sign(library.strcmp(left, right)) == expected
            for limit in range(5):
                cut = (left[:limit] > right[:limit]) - (left[:limit] < right[:limit])
                assert sign(library.strncmp(left, right, limit)) == cut
            shorter = min(len(left), len(right))
            order = (left[:shorter] > right[:shorter]) - (left[:shorter] < right[:shorter])
            assert sign(library.memcmp(left, right, shorter)) == order
    assert library.memcmp(b"a\0b", b"a\0c", 3) < 0
    assert library.strcmp(b"a\0b", b"a\0c") == 0


def test_strlen(library):
    assert [library.strlen(b"x" * size) for size in (0, 1, 5, 300)] == [0, 1, 5, 300]
