"""`add-module --native`: a C or C++ file becomes a sealed native module, or a clear refusal."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bfimg as library
from bfimg.errors import BfimgError, CompileError, FitError, FormatError, InputError, NotFoundError, UsageError
from bfimg.formats.native_module import NativeModuleFlag, NativeModuleHeader, NativeModuleTable
from bfimg.module.identify import ModuleKind
from bfimg.module.native_table import functions
from bfimg.module.prepare import ModuleRequest, NativeRequest, PreparedModule, prepare

Run = Callable[..., Any]

SOURCE = """
#include <stdint.h>
#include <math.h>
#include "step.h"
static uint32_t root(uint32_t n) { return (uint32_t)sqrt((double)n); }
uint32_t helper(uint32_t n) { return step(root(n)); }
uint32_t counted_main(uint32_t n) { return helper(n) + helper(n * n); }
"""
CXX = """
#include <stdint.h>
struct Counter { uint32_t value; Counter() : value(3) {} ~Counter() { value = 0; } };
static Counter counter;
struct Shape { virtual uint32_t area() const = 0; virtual ~Shape() {} };
struct Square : Shape {
    uint32_t side;
    Square(uint32_t n) : side(n) {}
    uint32_t area() const override { return side * side; }
};
extern "C" uint32_t shapes_main(uint32_t n)
{
    Shape *shape = new Square(n + counter.value);
    uint32_t area = shape->area();
    delete shape;
    return area;
}
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One build cache for the tests of this file, which is not the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "native-cache"))
    yield


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "step.h").write_text("static inline unsigned step(unsigned n) { return n + 1; }\n")
    (tmp_path / "counted.c").write_text(SOURCE)
    return tmp_path / "counted.c"


def made(path: Path, request: ModuleRequest | None = None, **native: Any) -> PreparedModule:
    fields = vars(request or ModuleRequest()) | {"native": NativeRequest(**native)}
    return prepare(path, ModuleRequest(**fields))


def table_of(module: PreparedModule) -> NativeModuleTable:
    assert module.info.problems == () and module.info.table is not None
    return module.info.table


def names_of(module: PreparedModule) -> set[str]:
    code, table = module.data[NativeModuleHeader.SIZE :], table_of(module)
    return {code[f.name :].split(b"\0")[0].decode() for f in functions(code, table)} if table.functions else set()


@pytest.mark.parametrize("family", ["clang", "gcc"])
class TestEachToolchain:
    @pytest.fixture(autouse=True)
    def _toolchain(self, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CC", family)

    def test_c(self, source: Path) -> None:
        module = made(source, size=16, answer=22)
        table = table_of(module)
        assert (module.origin, module.file_name, module.info.entry) == ("C", "COUNTED.MOD", "counted_main")
        assert (module.info.kind, module.info.name, module.info.version) == (ModuleKind.NATIVE, "counted", 1)
        assert (table.flags, table.size, table.answer, table.init, table.fini) == (3, 16, 22, 0, 0)
        assert names_of(module) == set()

    def test_probes_of_c(self, source: Path) -> None:
        module = made(source, instrument=True)
        assert table_of(module).flags == NativeModuleFlag.INSTRUMENTED
        # `static inline` of a header counts as the module's; the runtime has no probes.
        assert names_of(module) == {"root", "step", "helper", "counted_main"}

    def test_cxx_with_static_objects(self, tmp_path: Path) -> None:
        (tmp_path / "Shapes.CPP").write_text(CXX)
        module = made(tmp_path / "Shapes.CPP", ModuleRequest(name="shapes"), size=4)
        table = table_of(module)
        assert (module.origin, module.file_name, module.info.entry) == ("C++", "SHAPES.MOD", "shapes_main")
        assert 0 < table.init < table.image_size and 0 < table.fini < table.image_size
        probed = names_of(made(tmp_path / "Shapes.CPP", ModuleRequest(name="shapes"), instrument=True))
        assert {"shapes_main", "_ZNK6Square4areaEv"} <= probed

    @pytest.mark.parametrize(
        ("text", "has_init", "has_fini"),
        [
            ("volatile int seen;\n__attribute__((constructor)) void f(void) { seen = 1; }", True, False),
            ("volatile int seen;\n__attribute__((destructor)) void f(void) { seen = 1; }", False, True),
            ("#include <stdlib.h>\nvoid f(void) {}\nint g(void) { return atexit(f); }", False, False),
        ],
        ids=["constructor", "destructor", "unused"],
    )
    def test_only_what_is_registered_is_linked(self, tmp_path: Path, text: str, has_init: bool, has_fini: bool) -> None:
        (tmp_path / "m.c").write_text(f"{text}\nunsigned m_main(unsigned n) {{ return n; }}\n")
        table = table_of(made(tmp_path / "m.c"))
        assert (table.init > 0, table.fini > 0) == (has_init, has_fini)

    def test_the_folder_changes_nothing(self, source: Path, tmp_path: Path) -> None:
        other = tmp_path / "a longer path" / "counted.c"
        other.parent.mkdir()
        other.write_text(SOURCE)
        (other.parent / "step.h").write_text((tmp_path / "step.h").read_text())
        assert made(source, instrument=True).data == made(other, instrument=True).data

    def test_a_changed_header_is_noticed(self, source: Path) -> None:
        before = made(source)
        (source.parent / "step.h").write_text("static inline unsigned step(unsigned n) { return n + 2; }\n")
        assert made(source).data != before.data


def test_name_entry_and_version_can_be_given(source: Path) -> None:
    module = made(source, ModuleRequest("a_name_of_mine", "helper", module_version=0))
    assert (module.info.name, module.info.entry, module.info.version) == ("a_name_of_mine", "helper", 0)
    assert module.file_name == "a_name_of_mine.mod"


@pytest.mark.parametrize(
    ("name", "text", "request_", "error", "reason"),
    [
        ("x.c", "int f( {", None, CompileError, r"x\.c: clang failed: x\.c:1:8: error: .*; mend the source"),
        ("x.c", "#include <none.h>\n", None, CompileError, r"x\.c: clang failed: x\.c:1:10: .*none\.h"),
        ("x.c", "static int f(void) { return 1; }", None, NotFoundError, "defines no external function"),
        ("x.c", "int f(void) { return 1; } int g(void) { return 2; }", None, NotFoundError, "there are: f, g"),
        (
            "x.c",
            "int f(void) { return 1; }",
            ModuleRequest(entry="main"),
            NotFoundError,
            r"x\.c: entry: no external function 'main' is defined; there are: f",
        ),
        ("x.c", "int g(void); int f(void) { return g(); }", None, CompileError, r"undefined symbol: g"),
        (
            "x.c",
            "char b[700000]; int f(int n) { return b[n]++; }",
            None,
            FitError,
            r"x\.c: code and data of 7\d+ bytes",
        ),
        ("x.c", "int f(void) { return 1; }", ModuleRequest(level=2), UsageError, "a native module has no level"),
        ("x.c", "int f(void) { return 1; }", ModuleRequest("a/b"), UsageError, r"x\.c: module\.name: "),
        ("x.c", "int f(void) { return 1; }", ModuleRequest("x" * 32), FormatError, r"x\.c: module\.name: "),
        ("x.ll", "", None, UsageError, "is no source of a native module; name a C or C"),
        ("x.mod", "", None, UsageError, "is no source of a native module"),
    ],
)
def test_refusals(
    tmp_path: Path, name: str, text: str, request_: ModuleRequest | None, error: type[BfimgError], reason: str
) -> None:
    (tmp_path / name).write_text(text + "\n")
    with pytest.raises(error, match=reason) as caught:
        made(tmp_path / name, request_)
    assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


def test_more_functions_than_a_table_has_room_for(tmp_path: Path) -> None:
    text = "".join(f"int f{n}(int n) {{ return n + {n}; }}\n" for n in range(256))
    used = ", ".join(f"f{n}" for n in range(256))
    text += f"int (*const all[])(int) = {{{used}}};\nint many_main(int n) {{ return all[n](n); }}\n"
    (tmp_path / "many.c").write_text(text)
    assert table_of(made(tmp_path / "many.c")).function_count == 0
    with pytest.raises(FitError, match=r"many\.c: .*257 functions to instrument, a module may have 256"):
        made(tmp_path / "many.c", instrument=True)


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.c")
    for path in (tmp_path / "none.c", tmp_path / "pipe.c"):
        with pytest.raises(InputError, match="cannot be read"):
            made(path)


class TestCommand:
    def test_it_says_what_was_made(self, bfimg: Run, disk: Path, source: Path) -> None:
        options = ("--native", "--size", "0x10", "--answer", 22, "--instrument")
        result = bfimg("add-module", "-i", disk, *options, source)
        assert result.code == 0, result.err
        with library.open(disk) as image:
            data = image["part1:/COUNTED.MOD"]
        assert result.out == (
            "added part1:/COUNTED.MOD: native module counted, entry counted_main, called with 16, answer 0x00000016, "
            f"4 functions instrumented, {len(data)} bytes, from C {source}\n"
        )
        assert bfimg("check", disk).code == 0

    def test_json(self, bfimg: Run, disk: Path, source: Path) -> None:
        result = bfimg("add-module", "-i", disk, "--native", "--instrument", source, "--format", "json")
        (added,) = json.loads(result.out)["added"]
        assert (added["kind"], added["entry"], added["functions"]) == ("native", "counted_main", 4)

    def test_a_source_without_the_option_becomes_bitcode(self, bfimg: Run, disk: Path, tmp_path: Path) -> None:
        (tmp_path / "plain.c").write_text("unsigned plain_main(unsigned n) { return n; }\n")
        assert "PLAIN.BC: bitcode module plain" in bfimg("add-module", "-i", disk, tmp_path / "plain.c").out

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("--size", "1"), "--size, --answer and --instrument are for native modules; give --native too"),
            (("--instrument",), "--size, --answer and --instrument are for native modules; give --native too"),
            (("--native", "--answer", "1"), "an answer is one to a call; give --size too"),
            (("--native", "--size", "many"), "'many' is no integer"),
            (("--native", "--size", "4294967296"), "4294967296 is outside 0..4294967295"),
            (("--native", "--size", "1", "other.c"), "--name, --entry, --size and --answer are for one module"),
        ],
    )
    def test_options_that_make_no_sense(
        self, bfimg: Run, disk: Path, source: Path, arguments: tuple[str, ...], reason: str
    ) -> None:
        result = bfimg("add-module", "-i", disk, source, *arguments)
        assert result.code == 2 and reason in result.err and result.err.count("\n") == 1
