"""Code that others wrote, from Debian's source packages: lowered, it gives what it gives as host code.

The sources are fetched by `make sources`; none of them is part of this repository. The drivers below are ours.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import subprocess
import zlib
from pathlib import Path

import pytest

from bfimg.bitcode.lower import lower
from bfimg.pattern.interpret import Machine
from bfimg.toolchain.compiler import bitcode_command

SOURCES = Path(os.environ.get("BFIMG_TEST_SOURCES", Path(__file__).parents[2] / "build" / "sources"))
TEXT = b"".join(b"%d bottles of beer on the wall, %d bottles; " % (n, n * n) for n in range(60))
DOCUMENT = json.dumps({"name": "bfimg", "list": [1, 2.5, True, None, {"deep": ["a", "b\\u0041"]}] * 4})

# Declarations of the C library that the sources ask for; what they call is defined in PRELUDE.
HEADERS = {
    "string.h": "#include <stddef.h>\nvoid *memcpy(void *, const void *, size_t); void *memset(void *, int, size_t);\n"
    "void *memmove(void *, const void *, size_t); int memcmp(const void *, const void *, size_t);\n"
    "size_t strlen(const char *);\n",
    "stdlib.h": "#include <stddef.h>\nvoid *malloc(size_t); void *calloc(size_t, size_t); void free(void *);\n",
    "assert.h": "#define assert(x) ((void)0)\n#define static_assert _Static_assert\n",
    "sys/types.h": "#include <stdint.h>\ntypedef unsigned char u_int8_t; typedef uint32_t u_int32_t;\n"
    "typedef uint64_t u_int64_t; typedef long off_t; typedef long ssize_t;\n",
    "unistd.h": "",
    "errno.h": "extern int errno;\n",
    "stdio.h": "",
    "config.h": "",
}
PRELUDE = """
#include <stdint.h>
static unsigned char data[4000];
static uint32_t fill(uint32_t n) {
    uint32_t state = n;
    for (uint32_t i = 0; i < n; i++) data[i] = (unsigned char)((state = state * 1664525u + 1013904223u) >> 24);
    return n;
}
static uint32_t sum(const unsigned char *bytes, uint32_t n) {
    uint32_t h = 1;
    for (uint32_t i = 0; i < n; i++) h = (h << 5 | h >> 27) ^ bytes[i] * 0x9E3779B1u;
    return h;
}
"""


def array(name: str, contents: bytes) -> str:
    return f"static const unsigned char {name}[] = {{{', '.join(map(str, contents))}}};\n"


def sha256_word(n: int) -> int:
    state, message = n, bytearray()
    for _ in range(n):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        message.append(state >> 24)
    return int.from_bytes(hashlib.sha256(bytes(message)).digest()[:4], "big")


PROGRAMS = {
    "crc32": (
        "zlib",
        '#include "crc32.c"\nuint32_t run(uint32_t n) { return (uint32_t)crc32(0, data, fill(n)); }\n',
    ),
    "adler32": (
        "zlib",
        '#include "adler32.c"\nuint32_t run(uint32_t n) { return (uint32_t)adler32(1, data, fill(n)); }\n',
    ),
    "inflate": (
        "zlib",
        '#include "zlib.h"\n'
        + array("packed", zlib.compress(TEXT, 9))
        + "static char heap[60000]; static uint32_t used;\n"
        "static void *take(void *o, unsigned a, unsigned b) {\n"
        "    void *p = heap + used; used += (a * b + 15) & ~15u; return p;\n}\n"
        "static void give(void *o, void *p) {}\n"
        "static unsigned char out[4000];\n"
        "uint32_t run(uint32_t n) {\n    z_stream z = {0};\n    used = 0;\n    z.zalloc = take; z.zfree = give;\n"
        "    z.next_in = (unsigned char *)packed; z.avail_in = sizeof packed;\n"
        "    z.next_out = out; z.avail_out = sizeof out;\n"
        "    if (inflateInit(&z) != 0 || inflate(&z, 4) != 1) return 0;\n"
        "    return sum(out, (uint32_t)z.total_out) + n + (uint32_t)z.adler;\n}\n",
    ),
    "lz4": (
        "lz4/lib",
        '#define LZ4_HEAPMODE 0\n#include "lz4.c"\nstatic char packed[5000], out[4000];\n'
        "uint32_t run(uint32_t n) {\n    fill(n);\n    for (uint32_t i = 0; i < n; i++) data[i] &= 3;\n"
        "    int size = LZ4_compress_default((char *)data, packed, (int)n, sizeof packed);\n"
        "    int back = LZ4_decompress_safe(packed, out, size, sizeof out);\n"
        "    return sum((unsigned char *)out, (uint32_t)back) ^ (uint32_t)(size > 0 && size < back ? back : -1);\n}\n",
    ),
    "sha256": (
        "libmd/src libmd/include",
        '#include "sha2.c"\nuint32_t run(uint32_t n) {\n    SHA2_CTX c; uint8_t d[32];\n    SHA256Init(&c);\n'
        "    SHA256Update(&c, data, fill(n));\n    SHA256Final(d, &c);\n"
        "    return (uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];\n}\n",
    ),
    "sha512": (
        "libmd/src libmd/include",
        '#include "sha2.c"\nuint32_t run(uint32_t n) {\n    SHA2_CTX c; uint8_t d[64];\n    SHA512Init(&c);\n'
        "    SHA512Update(&c, data, fill(n));\n    SHA512Final(d, &c);\n    return sum(d, 64);\n}\n",
    ),
    "xxhash": (
        "xxhash",
        '#define XXH_INLINE_ALL\n#define XXH_NO_STREAM\n#include "xxhash.h"\nuint32_t run(uint32_t n) {\n    fill(n);\n'
        "    uint64_t h = XXH64(data, n, 7) ^ XXH3_64bits(data, n);\n"
        "    return XXH32(data, n, 9) ^ (uint32_t)h ^ (uint32_t)(h >> 32);\n}\n",
    ),
    "json": (
        "jsmn",
        '#include "jsmn.h"\n'
        + array("text", DOCUMENT.encode())
        + "static jsmntok_t tokens[200];\nuint32_t run(uint32_t n) {\n    jsmn_parser p; jsmn_init(&p);\n"
        "    int count = jsmn_parse(&p, (const char *)text, sizeof text - n % 5, tokens, 200);\n"
        "    uint32_t h = (uint32_t)count + n;\n    for (int i = 0; i < count; i++)\n"
        "        h = (h << 7 | h >> 25) ^ (uint32_t)(tokens[i].type * 7 + tokens[i].start * 3 + tokens[i].end);\n"
        "    return h;\n}\n",
    ),
}
# Files that are compiled on their own and linked to a driver: they cannot stand in one translation unit.
LINKED = {"inflate": ("inflate.c", "inftrees.c", "inffast.c", "adler32.c", "crc32.c", "zutil.c")}
# What the sources call and the kernel has no helper for.
LIBRARY = """
#include <stddef.h>
#ifdef LOWERED
int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++) if (*x != *y) return *x - *y;
    return 0;
}
#endif
"""
SIZES = (1, 100, 2999)
LEVELS = ("-O0", "-O1", "-O2")


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("include")
    for name, text in HEADERS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def native(sources: list[Path], include: list[str]) -> list[int]:
    library = sources[0].with_suffix(".so")
    subprocess.run(
        ["clang", "-w", "-O2", "-shared", "-fPIC", "-DZ_SOLO", *include, "-o", library, *sources], check=True
    )
    function = ctypes.CDLL(str(library)).run
    function.restype = ctypes.c_uint32
    return [int(function(ctypes.c_uint32(n))) for n in SIZES]


def interpreted(sources: list[Path], include: list[str], level: str, folder: Path) -> list[int | float | None]:
    parts = []
    for source in sources:
        parts.append(folder / f"{source.stem}.bc")
        command = [part for part in bitcode_command(str(source), str(parts[-1])) if part != "-O1"]
        subprocess.run([*command, "-w", "-DLOWERED", "-DZ_SOLO", level, *include], check=True)
    whole = folder / "whole.bc"
    subprocess.run(["llvm-link", *parts, "-o", whole], check=True)
    machine = Machine(lower(whole.read_bytes(), "run").data)
    return [machine.call([n]).value for n in SIZES]


@pytest.mark.skipif(
    not SOURCES.is_dir() and "CI" not in os.environ, reason=f"no foreign sources in {SOURCES}: make sources"
)
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_foreign_code(name: str, headers: Path, tmp_path: Path) -> None:
    folders, text = PROGRAMS[name]
    include = [f"-I{headers}", *(f"-I{SOURCES / folder}" for folder in folders.split())]
    source = tmp_path / "driver.c"
    source.write_text(PRELUDE + LIBRARY + text)
    sources = [source, *(SOURCES / folders.split()[0] / linked for linked in LINKED.get(name, ()))]
    expected = native(sources, include)
    assert len(set(expected)) == len(SIZES)
    if name == "sha256":
        assert expected == [sha256_word(n) for n in SIZES]
    for level in LEVELS:
        assert interpreted(sources, include, level, tmp_path) == expected, level
