"""The 12 module programs of kernel/modules once more, in Python: what each must return for any work size.

Written from the description at the top of each C file, not from its code. Where another method exists it is
used: hashlib for SHA-256, `sorted` for quicksort, the defining sum for the Fourier transform, `re` for the
matcher. STROPS_TEXT, REGEX_TEXT and REGEX_PATTERNS repeat what the C files embed.
"""

import cmath
import hashlib
import math
import re
import string
from collections.abc import Callable, Iterable, Iterator

WORD = 0xFFFF_FFFF
QUAD = 0xFFFF_FFFF_FFFF_FFFF


# ---- module.h: input data and checksums ----


def random_values(seed: int) -> Iterator[int]:
    """24-bit values, without end."""
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) & WORD
        yield state >> 8


def checksum_of(values: Iterable[int], start: int = 0) -> int:
    """Mixes in each value modulo 2**32."""
    checksum = start
    for value in values:
        rotated = (checksum << 5 | checksum >> 27) & WORD
        checksum = ((rotated ^ (value & WORD)) * 0x9E3779B1) & WORD
    return checksum


# ---- the programs ----


def fibonacci(n: int) -> int:
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return current & WORD


def sum_(n: int) -> int:
    random = random_values(n)
    values = [next(random) - 0x800000 for _ in range(n)]
    results: list[int] = []
    for start in range(0, n, 1024):
        block = values[start : start + 1024]
        total = sum(block)
        alternating = sum(-value if value % 2 else value for value in block)
        results += [total, total >> 32, alternating, max(block)]
    return checksum_of(results)


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _divide(dividend: int, divisor: int) -> tuple[int, int]:
    """Quotient rounded towards zero and its remainder, as in C; the divisor is positive."""
    quotient = abs(dividend) // divisor
    if dividend < 0:
        quotient = -quotient
    return quotient, dividend - quotient * divisor


def _shift(value: int, operand: int) -> int:
    count = operand & 63
    arithmetic = _signed(~value, 64) >> (63 - count)
    return value << count ^ value >> count ^ arithmetic ^ operand


def _narrow(value: int, operand: int) -> int:
    low = _signed(value, 32)
    signed_quotient = _divide(low, (operand & 0xFFFF) + 2)[0]
    unsigned_quotient = (value & WORD) // (operand | 1)
    return value + signed_quotient + (unsigned_quotient << 32) + (_divide(low, 1021)[1] & WORD)


_OPERATIONS: list[Callable[[int, int], int]] = [
    lambda value, operand: value * 6364136223846793005 + operand,
    lambda value, operand: value ^ (value * operand >> 32),
    lambda value, operand: (~value & QUAD) // (operand | 1),
    lambda value, operand: (value << 13) + value % (operand << 20 | 1),
    lambda value, operand: value - _divide(_signed(value, 64), operand + 3)[0],
    lambda value, operand: value ^ _divide(_signed(value * 3, 64), operand * 77777 + 5)[1],
    _shift,
    _narrow,
]


def compute(n: int) -> int:
    random = random_values(n)
    value = n
    results: list[int] = []
    for _ in range(n):
        operand = next(random)
        value = _OPERATIONS[operand >> 21](value, operand) & QUAD
        results += [value, value >> 32]
    return checksum_of(results)


def primes(n: int) -> int:
    found = [
        candidate
        for candidate in range(2, min(n, 16000) + 1)
        if all(candidate % divisor for divisor in range(2, math.isqrt(candidate) + 1))
    ]
    return checksum_of([*found, len(found)])


def _round_half_away(value: float) -> int:
    return int(value - 0.5) if value < 0 else int(value + 0.5)


def fft_1d(n: int) -> int:
    length = max(1 << (min(n, 256).bit_length() - 1), 2) if n else 2
    roots = [cmath.exp(-2j * cmath.pi * k / length) for k in range(length)]
    random = random_values(n)
    results: list[int] = []
    for _ in range(4):
        samples = [next(random) for _ in range(length)]
        signal = [complex((sample >> 16) - 128, (sample >> 8 & 0xFF) - 128) for sample in samples]
        for k in range(length):
            value = sum(x * roots[i * k % length] for i, x in enumerate(signal))
            results += [_round_half_away(value.real * 16), _round_half_away(value.imag * 16)]
    return checksum_of(results)


def sha256(n: int) -> int:
    random = random_values(n)
    message = bytes(next(random) & 0xFF for _ in range(n))
    return int.from_bytes(hashlib.sha256(message).digest()[:4], "big")


def matrix_mul(n: int) -> int:
    size = min(n, 32)
    random = random_values(n)
    left = [[next(random) for _ in range(size)] for _ in range(size)]
    right = [[next(random) for _ in range(size)] for _ in range(size)]
    columns = list(zip(*right, strict=True))
    return checksum_of(sum(a * b for a, b in zip(row, column, strict=True)) for row in left for column in columns)


def quicksort(n: int) -> int:
    random = random_values(n)
    return checksum_of(sorted(next(random) for _ in range(min(n, 2048))))


STROPS_TEXT = (
    "A cold machine wakes up with one sector of code and no idea who it is. It counts its memory, "
    "finds a disk, and reads until the names make sense. Nothing here is large: a table, a chain, "
    "a folder, a file. The kernel learns which loop is hot and writes it again, shorter than before. "
    "When the power goes, the disk remembers."
)


def _compare(a: str, b: str) -> int:
    """Difference of the first two characters that differ; a string ends with a zero character."""
    return next((ord(x) - ord(y) for x, y in zip(a + "\0", b + "\0", strict=False) if x != y), 0)


def strops(n: int) -> int:
    random = random_values(n)
    text = STROPS_TEXT
    checksum = 0
    change_case = [str.lower, str.upper, lambda part: string.capwords(part, " "), str.swapcase]
    for _ in range(n):
        needle = next(random) % (len(text) - 8)
        reverse = next(random) % (len(text) - 32)
        recase = next(random) % (len(text) - 64)
        compare = next(random) % len(text)

        found = text.lower().index(text[needle : needle + 2 + needle % 7].lower())
        end = reverse + reverse % 33
        text = text[:reverse] + text[reverse:end][::-1] + text[end:]
        end = recase + recase % 65
        text = text[:recase] + change_case[recase % 4](text[recase:end]) + text[end:]
        results = [found, _compare(STROPS_TEXT[compare:], text[compare:]), len(text[needle:].split())]
        checksum = checksum_of(results, checksum)
    return checksum_of(map(ord, text), checksum)


REGEX_TEXT = (
    "At 7:45 the loader reads sector 0, finds 0x55aa at byte 510, and trusts it.\n"
    "Stage 2 starts at 0x7e00 and asks the firmware for memory: 639.5 KiB here, 127.25 MiB up there.\n"
    "Mail from anna@boot.example.org, 12:30: the fan is noisy, but the second disk passed 100 tests.\n"
    "Reading backwards is slower. Counting, sorting and mixing gained 3.75 percent; queueing lost 0.5.\n"
    "Reply to kernel@lab.example by 23:59, please quote line 0xc0de, and do not touch the old disk again.\n"
    "Later the compiler inlined the hot loop, the tester cheered, and the kernel booted in 88 ms.\n"
)
REGEX_PATTERNS = [
    "[A-Z][a-z]+",
    "(0|[1-9][0-9]*)(\\.[0-9]+)?",
    "0x[0-9a-f]+",
    "[a-z]+(ing|ed|er)",
    "[^ \n]+@[a-z]+(\\.[a-z]+)+",
    "[0-9]?[0-9]:[0-9][0-9]",
    "(a|e|i|o|u)(a|e|i|o|u)+",
    "the .*(disk|kernel)",
]


def longest_match(pattern: str, text: str, start: int = 0) -> int:
    """Length of the longest match at `start`, 0 when there is none.

    `re.match` alone takes the first alternative that fits, not the longest: every possible end is tried.
    """
    compiled = re.compile(pattern)
    if not compiled.match(text, start):
        return 0
    ends = range(len(text), start, -1)
    return next((end - start for end in ends if compiled.fullmatch(text, start, end)), 0)


def regex_dfa(n: int) -> int:
    random = random_values(n)
    results: list[int] = []
    for turn in range(n):
        position = next(random) % 64
        count = 0
        while position < len(REGEX_TEXT):
            length = longest_match(REGEX_PATTERNS[turn % len(REGEX_PATTERNS)], REGEX_TEXT, position)
            if length:
                count += 1
                results += [position, length]
            position += length or 1
        results.append(count)
    return checksum_of(results)


def gemm_tile(n: int) -> int:
    """The tile size n changes the order of the work, not the result."""
    random = random_values(24)
    a = [[(next(random) >> 16) - 128 for _ in range(24)] for _ in range(24)]
    b = [[(next(random) >> 16) - 128 for _ in range(24)] for _ in range(24)]
    columns = list(zip(*b, strict=True))
    return checksum_of(sum(x * y for x, y in zip(row, column, strict=True)) for row in a for column in columns)


def _bounce(position: float, previous: float) -> tuple[float, float]:
    wall = min(max(position, 0.4), 6.0 - 0.4)
    if position == wall:
        return position, previous
    return wall, wall + (position - previous) * 0.75


def physics_step(n: int) -> int:
    """Python's floats are IEEE 754 doubles too: the same operations in the same order give the same bits."""
    step, diameter = 2.0**-7, 2.0 * 0.4
    random = random_values(n)
    now: list[list[float]] = []
    before: list[list[float]] = []
    for i in range(16):
        velocity = [(next(random) - 0x800000) / 2.0**21 for _ in range(2)]
        now.append([0.75 + 1.5 * (i % 4), 0.75 + 1.5 * (i // 4)])
        before.append([x - v * step for x, v in zip(now[i], velocity, strict=True)])

    for _ in range(n):
        for i, ((x, y), (old_x, old_y)) in enumerate(zip(now, before, strict=True)):
            before[i] = [x, y]
            now[i] = [x + (x - old_x), y + (y - old_y) - 9.75 * step * step]
        for i, p in enumerate(now):
            for q in now[i + 1 :]:
                dx, dy = q[0] - p[0], q[1] - p[1]
                squared = dx * dx + dy * dy
                if 0.0 < squared < 4.0 * 0.4 * 0.4:
                    distance = math.sqrt(squared)
                    push = (diameter - distance) / distance * 0.5
                    p[0], p[1] = p[0] - dx * push, p[1] - dy * push
                    q[0], q[1] = q[0] + dx * push, q[1] + dy * push
        for p, old in zip(now, before, strict=True):
            p[0], old[0] = _bounce(p[0], old[0])
            p[1], old[1] = _bounce(p[1], old[1])
    return checksum_of(int(coordinate * 65536) for p in now for coordinate in p)


REFERENCE: dict[str, Callable[[int], int]] = {
    "fibonacci": fibonacci,
    "sum": sum_,
    "compute": compute,
    "primes": primes,
    "fft_1d": fft_1d,
    "sha256": sha256,
    "matrix_mul": matrix_mul,
    "quicksort": quicksort,
    "strops": strops,
    "regex_dfa": regex_dfa,
    "gemm_tile": gemm_tile,
    "physics_step": physics_step,
}
