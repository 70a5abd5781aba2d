"""What compilers call unasked: all of it is there, and gives the values the operation has."""

import ctypes
import random
import struct
import subprocess
from fractions import Fraction

import pytest

HELPERS = ("lib/division.c", "lib/integers.c", "runtime/conversions.c")
# Symbols that the linker script of modules gives.
OF_THE_SCRIPT = {
    "module_end", "__init_array_start", "__init_array_end", "__fini_array_start", "__fini_array_end",
}  # fmt: skip


def symbols(*options_and_files):
    done = subprocess.run(["nm", "-P", *options_and_files], capture_output=True, text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines() if " " in line}


def compile_for_modules(toolchain, source, output, include, *options):
    command = toolchain.module_command(str(source), str(output), tuple(map(str, include)))
    subprocess.run([*command, "-Werror", *options], check=True, timeout=60)
    return output


@pytest.fixture
def runtime_objects(toolchain, repository, runtime_folder, generated, tmp_path):
    """Everything modules are linked with, compiled for them."""
    sources = [path for pattern in ("*.c", "*.cpp") for path in runtime_folder.glob(pattern)]
    sources += [*(repository / "kernel" / "lib").glob("*.c"), repository / "kernel" / "memory" / "heap.c"]
    include = (runtime_folder / "include", generated, repository / "kernel")
    return [compile_for_modules(toolchain, path, tmp_path / f"{path.name}.o", include) for path in sources]


def test_nothing_the_compiler_calls_is_missing(toolchain, repository, runtime_objects, tmp_path):
    defined = symbols("--defined-only", *runtime_objects)
    assert symbols("--undefined-only", *runtime_objects) <= defined | OF_THE_SCRIPT
    source = repository / "tests/kernel/runtime/all_operations.c"
    called = set()
    for level in ("-O0", "-O1", "-O2", "-O3", "-Os"):
        called |= symbols("--undefined-only", compile_for_modules(toolchain, source, tmp_path / "all.o", (), level))
    assert {"__divdi3", "__udivdi3", "__moddi3", "__umoddi3"} <= called
    assert called <= defined


@pytest.fixture(scope="module")
def library(host_build, repository):
    return ctypes.CDLL(str(host_build([repository / "kernel" / name for name in HELPERS])))


I32, U32, I64, U64, INT = ctypes.c_int32, ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_int
EDGES = sorted(
    {
        (sign * ((1 << shift) + offset)) & (2**64 - 1)
        for shift in (0, 1, 2, 23, 24, 25, 31, 32, 33, 52, 53, 54, 61, 62, 63)
        for offset in (-1, 0, 1)
        for sign in (1, -1)
    }
    | {0}
)


def integers(count):
    source = random.Random(7)
    return [*EDGES, *(source.getrandbits(64) >> source.randrange(64) for _ in range(count))]


def pairs():
    source = random.Random(8)
    numbers = integers(500)
    return [(a, b) for a in EDGES for b in EDGES] + [
        (source.choice(numbers), source.choice(numbers)) for _ in range(5000)
    ]


def signed(value, bits=64):
    value &= (1 << bits) - 1
    return value - (value >> (bits - 1) << bits)


def cut(a, b):
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


ARITHMETIC = {
    "__muldi3": (I64, lambda a, b: signed(a * b)),
    "__udivdi3": (U64, lambda a, b: a // b),
    "__umoddi3": (U64, lambda a, b: a % b),
    "__divdi3": (I64, lambda a, b: signed(cut(signed(a), signed(b)))),
    "__moddi3": (I64, lambda a, b: signed(a) - signed(b) * cut(signed(a), signed(b))),
}


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(library, name):
    kind, expected = ARITHMETIC[name]
    function = getattr(library, name)
    function.restype, function.argtypes = kind, [kind, kind]
    for a, b in pairs():
        if b or name == "__muldi3":
            assert function(a, b) == expected(a, b), (hex(a), hex(b))


def test_quotient_and_remainder_at_once(library):
    unsigned, divide = library.__udivmoddi4, library.__divmoddi4
    unsigned.restype, divide.restype = U64, I64
    rest, signed_rest = U64(), I64()
    for a, b in pairs():
        if b:
            assert (unsigned(U64(a), U64(b), ctypes.byref(rest)), rest.value) == divmod(a, b)
            expected = signed(cut(signed(a), signed(b)))
            assert divide(I64(a), I64(b), ctypes.byref(signed_rest)) == expected
            assert signed_rest.value == signed(a) - signed(b) * cut(signed(a), signed(b))


SHIFTS = {
    "__ashldi3": lambda a, count: signed(a << count),
    "__ashrdi3": lambda a, count: signed(a) >> count,
    "__lshrdi3": lambda a, count: signed(a >> count),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts(library, name):
    function = getattr(library, name)
    function.restype, function.argtypes = I64, [I64, INT]
    for a in EDGES:
        for count in range(64):
            assert function(a, count) == SHIFTS[name](a, count), (hex(a), count)


def repeated_signs(value, bits):
    text = f"{value & ((1 << bits) - 1):0{bits}b}"
    return len(text) - len(text.lstrip(text[0])) - 1


BITS = {
    "__clzdi2": (U64, lambda a: 64 - a.bit_length()),
    "__ctzdi2": (U64, lambda a: (a & -a).bit_length() - 1),
    "__ffsdi2": (U64, lambda a: (a & -a).bit_length()),
    "__paritydi2": (U64, lambda a: a.bit_count() % 2),
    "__popcountdi2": (U64, lambda a: a.bit_count()),
    "__popcountsi2": (U32, lambda a: (a & 0xFFFFFFFF).bit_count()),
    "__clrsbdi2": (I64, lambda a: repeated_signs(a, 64)),
    "__clrsbsi2": (I32, lambda a: repeated_signs(a, 32)),
}


@pytest.mark.parametrize("name", BITS)
def test_bits(library, name):
    kind, expected = BITS[name]
    function = getattr(library, name)
    function.restype, function.argtypes = INT, [kind]
    for a in integers(1000):
        if a or name not in ("__clzdi2", "__ctzdi2"):
            assert function(a) == expected(a), hex(a)


def nearest_float(value):
    """The float nearest to an integer, ties to even: by halving until 24 bits are left, exactly."""
    magnitude = abs(value)
    excess = max(magnitude.bit_length() - 24, 0)
    rounded = round(Fraction(magnitude, 1 << excess)) << excess  # Fraction rounds ties to even
    return float(-rounded if value < 0 else rounded)


TO_REAL = {
    "__floatdidf": (I64, ctypes.c_double, lambda a: float(signed(a))),
    "__floatundidf": (U64, ctypes.c_double, float),
    "__floatdisf": (I64, ctypes.c_float, lambda a: nearest_float(signed(a))),
    "__floatundisf": (U64, ctypes.c_float, nearest_float),
}


@pytest.mark.parametrize("name", TO_REAL)
def test_integers_become_the_nearest_number(library, name):
    kind, result, expected = TO_REAL[name]
    function = getattr(library, name)
    function.restype, function.argtypes = result, [kind]
    # Beside ties of float: what rounding to double first would get wrong.
    ties = [
        (1 << 40 | odd << 16 | 1 << 15) + step << shift for odd in (2, 3) for step in (-1, 0, 1) for shift in (0, 23)
    ]
    ties = [(tie << 8) + step & (2**64 - 1) for tie in ties for step in (-1, 0, 1)]
    for a in [*integers(5000), *ties]:
        assert function(a) == expected(a), hex(a)


FROM_REAL = {
    "__fixdfdi": (ctypes.c_double, I64, -(2**63), 2**63),
    "__fixunsdfdi": (ctypes.c_double, U64, 0, 2**64),
    "__fixsfdi": (ctypes.c_float, I64, -(2**63), 2**63),
    "__fixunssfdi": (ctypes.c_float, U64, 0, 2**64),
}


@pytest.mark.parametrize("name", FROM_REAL)
def test_numbers_are_cut_to_integers(library, name):
    kind, result, low, high = FROM_REAL[name]
    function = getattr(library, name)
    function.restype, function.argtypes = result, [kind]
    source = random.Random(9)
    numbers = [0.0, -0.0, 0.5, 0.999, -0.999, 1.0, 2.0**52 + 0.5, 2.0**53 - 1, -(2.0**63), 2.0**64 - 2048, 5e-324]
    numbers += [source.uniform(-1, 1) * 2.0 ** source.randrange(66) for _ in range(5000)]
    tried = 0
    for number in numbers:
        value = kind(number).value
        if low <= int(value) < high:
            assert function(value) == int(value), value
            tried += 1
    assert tried > 2000


def test_floats_between_two_doubles_really_differ():
    """The oracle of the conversions to float is not one that rounds twice itself."""
    value = (1 << 60) + (1 << 36) + 1
    assert nearest_float(value) != struct.unpack("<f", struct.pack("<f", float(value)))[0]
