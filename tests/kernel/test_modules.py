"""The module programs: known answers, independent references, what the kernel relies on in their objects."""

import ctypes
import hashlib
import importlib.util
import random
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MODULES = Path(__file__).parents[2] / "kernel" / "modules"


def _load_reference() -> ModuleType:
    """The helper beside this file: pytest's importlib mode does not put this folder on the import path."""
    spec = importlib.util.spec_from_file_location("module_reference", Path(__file__).with_name("module_reference.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _load_reference()
DEFINITIONS: list[dict[str, Any]] = tomllib.loads((MODULES / "modules.toml").read_text())["module"]
NAMES = [definition["name"] for definition in DEFINITIONS]
SIZE = {definition["name"]: definition["size"] for definition in DEFINITIONS}
ANSWER = {definition["name"]: definition["answer"] for definition in DEFINITIONS}

# Besides the kernel's size: nothing at all, the edges of blocks and limits, and beyond the limits.
OTHER_SIZES = {
    "fibonacci": [0, 1, 2, 10],
    "sum": [0, 1, 1023, 1024, 1025],
    "compute": [0, 1, 7, 5000],
    "primes": [0, 1, 2, 3, 100, 16000, 20000],
    "fft_1d": [0, 2, 3, 8, 64, 100, 300],
    "sha256": [0, 1, 55, 56, 63, 64, 65, 100, 101, 119, 120, 5000],
    "matrix_mul": [0, 1, 7, 32, 33],
    "quicksort": [0, 1, 11, 12, 13, 100, 2048, 5000],
    "strops": [0, 1, 200],
    "regex_dfa": [0, 1, 7, 20],
    "gemm_tile": [0, 1, 5, 7, 12, 23, 24, 25],
    "physics_step": [0, 1, 10, 1000],
}

# gcc is a second opinion, not a requirement of the project: it takes part where it is installed.
HOST_BUILDS = [("clang", "-O0"), ("clang", "-O2"), *([("gcc", "-O2")] if shutil.which("gcc") else [])]

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
COMMON = [*WARNINGS, "-ffreestanding", "-fno-math-errno", "-ffp-contract=off"]
TARGET = ["--target=i686-unknown-none-elf", "-march=i686", "-msse2", "-mfpmath=sse"]
# Neither vectors nor unrolled loops: both would blur the count of basic blocks.
SCALAR = ("-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops")

# Recursive functions, and how deep they go with the kernel's size.
RECURSION_DEPTH = {"fibonacci": 20, "quicksort": 8, "regex_dfa": 2}


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def build_host(
    folder: Path, *sources: Path, compiler: str = "clang", options: tuple[str, ...] = ("-O2",)
) -> ctypes.CDLL:
    """Builds the sources as one shared library for this machine and loads it."""
    library = folder / f"{sources[0].stem}.so"
    run(compiler, *COMMON, *options, "-shared", "-fPIC", "-I", MODULES, *sources, "-o", library)
    return ctypes.CDLL(str(library))


def entry(library: ctypes.CDLL, name: str) -> Callable[[int], int]:
    function = library[f"{name}_main"]
    function.argtypes, function.restype = [ctypes.c_uint32], ctypes.c_uint32
    return function


def wrap(folder: Path, name: str, wrapper: str) -> ctypes.CDLL:
    """Builds a module together with functions that reach its static ones."""
    source = folder / f"{name}_wrapper.c"
    source.write_text(f'#include "{name}.c"\n{wrapper}\n')
    return build_host(folder, source)


def build_target(folder: Path, name: str, level: str, *options: str) -> Path:
    target = folder / f"{name}.o"
    run("clang", *COMMON, *TARGET, level, *options, "-c", MODULES / f"{name}.c", "-o", target)
    return target


@cache
def expected(name: str, size: int) -> int:
    answer = reference.REFERENCE[name](size)
    assert isinstance(answer, int)
    return answer


# ---- answers ----


def test_twelve_modules_are_defined_in_the_order_of_the_kernel() -> None:
    assert list(reference.REFERENCE) == NAMES == list(OTHER_SIZES)
    assert {path.stem for path in MODULES.glob("*.c")} == set(NAMES)
    assert all(set(definition) == {"name", "summary", "size", "answer"} for definition in DEFINITIONS)


@pytest.mark.parametrize("name", NAMES)
def test_the_known_answer_is_that_of_the_reference(name: str) -> None:
    assert expected(name, SIZE[name]) == ANSWER[name]


@pytest.mark.parametrize(("compiler", "level"), HOST_BUILDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_build_gives_the_answers_of_the_reference(name: str, compiler: str, level: str, tmp_path: Path) -> None:
    main = entry(build_host(tmp_path, MODULES / f"{name}.c", compiler=compiler, options=(level,)), name)
    assert main(SIZE[name]) == ANSWER[name]
    assert {n: main(n) for n in OTHER_SIZES[name]} == {n: expected(name, n) for n in OTHER_SIZES[name]}
    assert main(SIZE[name]) == ANSWER[name], "earlier calls changed the answer"


# ---- algorithms against other implementations ----


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (b"a" * 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ],
    ids=["empty", "one-block", "two-blocks", "million"],
)
def test_sha256_of_the_fips_180_4_messages(message: bytes, digest: str, tmp_path: Path) -> None:
    wrapper = """
    void digest(const uint8_t *message, size_t length, uint32_t *words)
    {
        struct sha256 hash;
        start(&hash);
        add_bytes(&hash, message, length);
        finish(&hash);
        for (int i = 0; i < 8; i++)
            words[i] = hash.state[i];
    }"""
    words = (ctypes.c_uint32 * 8)()
    wrap(tmp_path, "sha256", wrapper).digest(message, ctypes.c_size_t(len(message)), words)
    assert "".join(f"{word:08x}" for word in words) == digest == hashlib.sha256(message).hexdigest()


def test_quicksort_sorts_awkward_arrays(tmp_path: Path) -> None:
    sort = wrap(tmp_path, "quicksort", "void sort(uint32_t *a, uint32_t n) { quicksort(a, a + n); }").sort
    generator = random.Random(1)
    arrays = [list(range(1000)), list(range(1000, 0, -1)), [7] * 1000, [0, 0xFFFF_FFFF] * 500]
    arrays += [[generator.randrange(limit) for _ in range(length)] for limit in (2, 2**32) for length in range(60)]
    for values in arrays:
        array = (ctypes.c_uint32 * len(values))(*values)
        sort(array, ctypes.c_uint32(len(values)))
        assert list(array) == sorted(values)


@pytest.fixture(scope="module")
def regex(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], int]:
    """The length of the longest match at the start of a text; -1 when the pattern is refused."""
    wrapper = """
    int32_t longest(const char *pattern, const char *string)
    {
        return compile(pattern) ? (int32_t)match(string) : -1;
    }"""
    library = wrap(tmp_path_factory.mktemp("regex"), "regex_dfa", wrapper)

    def longest(pattern: str, text: str) -> int:
        return int(library.longest(pattern.encode(), text.encode()))

    return longest


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "a", "ab", "a*", "a+b", "ab?"),
        *("a|b|ab", "(ab)*", "(a|b)+c", "a(b|)c", "()a", "((a*)b)*", "(a?b?)*c"),
        *(".", ".*c", "[a-c]+", "[^a]*", "[^a-b\n]+", "[]a]+", "[a-]+", "[-a]+"),
        *("[a\\-c]+", "[.*]+", "\\.a", "\\(a\\)", "a\\|b"),
    ],
)
def test_regex_finds_the_longest_match_of_python_re(pattern: str, regex: Callable[[str, str], int]) -> None:
    generator = random.Random(2)
    texts = ["", *("".join(generator.choices("aabbc.\n-]|(*)", k=12)) for _ in range(200))]
    texts += ["".join(generator.choices("abc", k=12)) for _ in range(200)]
    for text in texts:
        assert regex(pattern, text) == reference.longest_match(pattern, text), text


def test_regex_survives_more_deterministic_states_than_it_can_keep(regex: Callable[[str, str], int]) -> None:
    """An `a` seven characters before the end: the automaton must know which of the last seven were one."""
    pattern = "(a|b)*a" + "[ab]" * 6
    generator = random.Random(3)
    for _ in range(10):
        text = "".join(generator.choices("ab", k=400)) + "b" * 20
        assert regex(pattern, text) == reference.longest_match(pattern, text)


@pytest.mark.parametrize("pattern", ["(", "a)", "(a", "*a", "a|+", "[a", "[", "a\\", "[a\\", "a" * 70, "a(b|(c)"])
def test_regex_refuses_malformed_and_oversized_patterns(pattern: str, regex: Callable[[str, str], int]) -> None:
    assert regex(pattern, "aaa") == -1


# ---- objects for the target ----


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("name", NAMES)
def test_target_object_exports_the_entry_and_needs_only_helpers(name: str, level: str, tmp_path: Path) -> None:
    target = build_target(tmp_path, name, level)
    symbols = run("llvm-nm", "--extern-only", "--format=just-symbols", "--defined-only", target).split()
    needed = run("llvm-nm", "--undefined-only", "--format=just-symbols", target).split()
    assert symbols == [f"{name}_main"]
    division = {"__udivdi3", "__umoddi3", "__divdi3", "__moddi3"}
    assert set(needed) <= {"memcpy", "memset", "memmove"} | (division if name == "compute" else set())


@pytest.mark.parametrize("name", NAMES)
def test_static_data_stays_within_16_kib(name: str, tmp_path: Path) -> None:
    listing = run("llvm-size", "-A", "-d", build_target(tmp_path, name, "-O2"))
    sizes = re.findall(r"^\.(?:data|bss|rodata)\S*\s+(\d+)", listing, re.MULTILINE)
    assert sum(map(int, sizes)) <= 16 * 1024


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("name", NAMES)
def test_stack_stays_within_4_kib(name: str, level: str, tmp_path: Path) -> None:
    """An upper bound: all functions of the module on the stack at once, as deep as any of them recurses."""
    report = build_target(tmp_path, name, level, "-fstack-usage").with_suffix(".su").read_text()
    frames = [int(line.split("\t")[1]) for line in report.splitlines()]
    linkage = 8 + 12  # return address and frame pointer; arguments
    assert frames
    assert sum(frame + linkage for frame in frames) * RECURSION_DEPTH.get(name, 1) <= 4 * 1024


# ---- the work is still there ----


@pytest.mark.parametrize("name", NAMES)
def test_optimised_target_code_still_loops_or_recurses(name: str, tmp_path: Path) -> None:
    listing = run("llvm-objdump", "-d", "--no-show-raw-insn", build_target(tmp_path, name, "-O2"))
    if name == "fibonacci":
        body = listing.split("<fibonacci>:")[1]
        assert re.search(r"call\w*\s+0x[0-9a-f]+ <fibonacci", body)
    else:
        jumps = re.findall(r"^\s*([0-9a-f]+):\s+j(?!mp)\w+\s+0x([0-9a-f]+)", listing, re.MULTILINE)
        assert any(int(target, 16) <= int(origin, 16) for origin, target in jumps)


@pytest.mark.parametrize("name", NAMES)
def test_optimised_work_grows_with_the_size(name: str, tmp_path: Path) -> None:
    """Counts the basic blocks that run at -O2: a result computed by the compiler would need a constant few.

    The coverage hook is inserted after the optimiser, so it sees what is left of the loops.
    """
    counter = tmp_path / "counter.c"
    counter.write_text(
        "unsigned long long blocks;\n"
        "void __sanitizer_cov_trace_pc(void);\n"
        '__attribute__((no_sanitize("coverage"))) void __sanitizer_cov_trace_pc(void) { blocks++; }\n'
    )
    options = ("-O2", *SCALAR, "-fsanitize-coverage=trace-pc,no-prune")
    library = build_host(tmp_path, MODULES / f"{name}.c", counter, options=options)
    blocks = ctypes.c_ulonglong.in_dll(library, "blocks")
    main = entry(library, name)

    def work(size: int) -> int:
        blocks.value = 0
        main(size)
        return blocks.value

    if name == "gemm_tile":  # the size orders the work, which is 24 multiply-adds for each of 24 * 24 elements
        assert work(SIZE[name]) > 24**3
    else:
        assert work(SIZE[name]) > 1000
        assert work(SIZE[name]) > 2 * work(SIZE[name] // 4)
