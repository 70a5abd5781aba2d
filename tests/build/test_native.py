"""Native modules as the build makes them: linked small, with a table, instrumented and embedded where asked for."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import bfimg
from bfimg.build.build import BuildReport, build_image
from bfimg.build.layout import Layout, default_layout
from bfimg.build.programs import load_programs
from bfimg.check.image import check_image
from bfimg.errors import CompileError, FitError, FormatError, NotFoundError, UsageError
from bfimg.formats.disk_layout import disk_region
from bfimg.formats.elf32 import Elf32Header
from bfimg.formats.native_module import NativeModuleFlag, NativeModuleHeader
from bfimg.image.store import Store
from bfimg.module.identify import ModuleInfo, identify
from bfimg.module.native_table import functions
from bfimg.toolchain.compiler import select

FAMILIES = ("clang", "gcc")
ARENA = 0x160000
EXECUTABLE = 2

Build = Callable[..., dict[str, bytes]]


def small(**changes: object) -> Layout:
    nothing: dict[str, object] = {"native_modules": (), "embedded_modules": (), "files": ()}
    return dataclasses.replace(default_layout(), **{"image_size": 8 << 20, **nothing, **changes})  # type: ignore[arg-type]


def module_files(image: Path) -> dict[str, bytes]:
    with bfimg.open(image) as opened:
        files = opened.listing([], recursive=True)
        return {identify(opened[file.where]).name: opened[file.where] for file in files}


@pytest.fixture(scope="module", params=FAMILIES)
def instrumented(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """fft_1d with probes: the ELF file the linker wrote, and the module."""
    folder = tmp_path_factory.mktemp("instrumented")
    layout = small(native_modules=("fft_1d",), instrumented_modules=("fft_1d",))
    build_image(layout, folder / "a.img", select(request.param), cache_dir=folder / "cache")
    found = [path for path in (folder / "cache").glob("*.bin") if path.read_bytes()[:4] == b"\x7fELF"]
    (linked,) = (path for path in found if Elf32Header.parse(path.read_bytes()).e_type == EXECUTABLE)
    return linked, module_files(folder / "a.img")["fft_1d"]


def table_of(data: bytes) -> dict[str, tuple[int, int]]:
    """The functions of a module: offset and size by name."""
    info, code = identify(data), data[NativeModuleHeader.SIZE :]
    assert info.problems == () and info.table is not None
    return {code[f.name :].split(b"\0")[0].decode(): (f.offset, f.size) for f in functions(code, info.table)}


def test_the_functions_are_those_that_nm_finds(instrumented: tuple[Path, bytes], repository: Path) -> None:
    linked, data = instrumented
    listing = subprocess.run(["nm", "-S", linked], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [tTwW] (\S+)$", listing, re.MULTILINE)
    found = {name: (int(value, 16) - ARENA, int(size, 16)) for value, size, name in rows}
    table = table_of(data)
    assert {name: found[name] for name in table} == table
    source = (repository / "kernel" / "modules" / "fft_1d.c").read_text()
    defined = set(re.findall(r"^(?:static )?(?:inline )?(?:\w+ )+\*?(\w+)\([^;]*\)$", source, re.MULTILINE))
    assert defined and defined <= set(table)
    assert "fft_1d_main" in table
    assert not {"memcpy", "memset", "__cyg_profile_func_enter"} & set(table)


def test_each_function_calls_the_probes(instrumented: tuple[Path, bytes]) -> None:
    """What disassemblers say: enter and exit in each listed function, and in no other."""
    linked, data = instrumented
    listing = subprocess.run(["llvm-objdump", "-d", linked], capture_output=True, text=True, check=True).stdout
    bodies = dict(re.findall(r"^[0-9a-f]+ <(\S+)>:\n((?:.+\n)*)", listing, re.MULTILINE))
    probed = {name for name, body in bodies.items() if "<__cyg_profile_func_enter" in body}
    assert probed == set(table_of(data))
    # The last probe may be reached by a jump: the function's frame is gone by then.
    assert all("<__cyg_profile_func_exit" in bodies[name] for name in probed)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_module_has_a_sound_table(tmp_path: Path, repository: Path, family: str) -> None:
    programs = {program.name: program for program in load_programs(repository / "kernel")}
    build_image(small(native_modules=None), tmp_path / "a.img", select(family))
    modules = module_files(tmp_path / "a.img")
    assert set(modules) == set(programs)
    for name, data in modules.items():
        info = identify(data)
        table = info.table
        assert info.problems == () and table is not None
        assert (table.size, table.answer) == (programs[name].size, programs[name].answer)
        assert table.flags == NativeModuleFlag.SIZE_KNOWN | NativeModuleFlag.ANSWER_KNOWN
        # Nothing of the runtime that a module does not use, and no static constructors in any of the twelve.
        assert (table.init, table.fini, table.image_size) == (0, 0, info.payload_size)
    with Store.open(tmp_path / "a.img") as store:
        assert check_image(store).findings == ()


def embedded_in(image: Path) -> list[tuple[int, ModuleInfo, bytes]]:
    """Modules inside the kernel: offset in the image's kernel, what they are, their bytes."""
    kernel = image.read_bytes()[disk_region("kernel").first_lba * 512 : disk_region("jit_cache").first_lba * 512]
    found = []
    for match in re.finditer(b"BDOM", kernel):
        header = NativeModuleHeader.parse(kernel, match.start())
        data = kernel[match.start() : match.start() + NativeModuleHeader.SIZE + header.code_size]
        info = identify(data)
        if not info.problems and info.table is not None:
            found.append((match.start(), info, data))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_embedded_modules_are_whole_files_in_the_kernel(tmp_path: Path, family: str) -> None:
    names = ("sum", "fibonacci")
    layout = small(embedded_modules=names, native_modules=names, instrumented_modules=("sum",))
    report = build_image(layout, tmp_path / "a.img", select(family))
    files = module_files(tmp_path / "a.img")
    assert {info.name: data for _, info, data in embedded_in(tmp_path / "a.img")} == files
    assert dict(report.embedded) == {name: len(data) for name, data in files.items()}
    assert table_of(files["sum"]) and not table_of(files["fibonacci"])
    with Store.open(tmp_path / "a.img") as store:
        assert check_image(store).findings == ()


def test_a_kernel_without_embedded_modules(tmp_path: Path) -> None:
    report = build_image(small(), tmp_path / "a.img", select("clang"))
    assert report.embedded == () and embedded_in(tmp_path / "a.img") == []


def test_the_default_kernel_has_one(default_build: BuildReport) -> None:
    assert [name for name, _ in default_build.embedded] == ["fibonacci"]


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"embedded_modules": ("none",)}, NotFoundError, r"toml: kernel\.embedded: no module program 'none'"),
        ({"instrumented_modules": ("none",)}, NotFoundError, r"toml: modules\.instrument: no module program 'none'"),
        ({"embedded_modules": ("sum", "sum")}, UsageError, r"toml: kernel\.embedded: sum is named twice"),
    ],
)
def test_names_that_cannot_be(tmp_path: Path, changes: dict[str, object], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        build_image(small(**changes), tmp_path / "a.img", select("clang"))
    assert not (tmp_path / "a.img").exists()


@pytest.fixture
def build_with(tmp_path: Path, repository: Path) -> Callable[..., dict[str, bytes]]:
    """Function that builds `sum` with other contents of a file of the kernel folder."""

    def build(path: str, text: str, **changes: object) -> dict[str, bytes]:
        kernel = tmp_path / "kernel"
        shutil.copytree(repository / "kernel", kernel)
        (kernel / path).write_text(text)
        layout = small(kernel_sources=kernel, native_modules=("sum",), **changes)
        build_image(layout, tmp_path / "a.img", select("clang"), cache_dir=tmp_path / "cache")
        return module_files(tmp_path / "a.img")

    return build


MAIN = "unsigned sum_main(unsigned n) { return n; }\n"


def test_modules_that_outgrow_the_arena_are_refused_with_numbers(build_with: Build) -> None:
    text = "char huge[700000];\nchar *where(void) { return huge; }\nunsigned sum_main(unsigned n) { return *where(); }"
    with pytest.raises(FitError, match=r"code and data of 7\d{5} bytes, 655360 fit: \d{5} too many"):
        build_with("modules/sum.c", text)


def test_embedded_modules_that_outgrow_the_kernel_are_refused_with_numbers(build_with: Build) -> None:
    text = "char huge[500000];\nunsigned sum_main(unsigned n) { huge[n] = 1; return huge[n + 1]; }"
    with pytest.raises(FitError, match=r"kernel of 5\d{5} bytes and \d+ bytes of bss need \d+ bytes, 458752 fit"):
        build_with("modules/sum.c", text, embedded_modules=("sum",))


def test_sections_that_the_linker_script_does_not_know_are_refused(build_with: Build) -> None:
    text = '__attribute__((section("strange"))) int odd = 3;\nunsigned sum_main(unsigned n) { return n + odd; }'
    with pytest.raises(FormatError, match="section strange of 4 bytes is not part of the image"):
        build_with("modules/sum.c", text)


def test_a_module_without_its_entry_does_not_link(build_with: Build) -> None:
    with pytest.raises(CompileError, match="sum_main"):
        build_with("modules/sum.c", "unsigned other(unsigned n) { return n; }\n")
