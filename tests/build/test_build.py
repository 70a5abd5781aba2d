"""`build` makes the image its layout asks for, or says with numbers why not."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bfimg.build.build import BuildReport, build_image
from bfimg.build.layout import FileSpec, Layout, default_layout
from bfimg.build.programs import load_programs
from bfimg.errors import (
    BfimgError,
    CompileError,
    FitError,
    FormatError,
    InputError,
    NotFoundError,
    UsageError,
)
from bfimg.image.inspect import inspect
from bfimg.toolchain.compiler import Toolchain, select


@pytest.fixture(scope="module")
def clang() -> Toolchain:
    return select("clang")


def small(**changes: object) -> Layout:
    return dataclasses.replace(default_layout(), **{"image_size": 8 << 20, "native_modules": (), **changes})  # type: ignore[arg-type]


def test_regions_report_what_is_used(default_build: BuildReport) -> None:
    regions = {region.name: region for region in default_build.regions}
    assert regions["kernel"].used == default_build.kernel.image_bytes
    assert regions["mbr"].room == 440
    assert all(0 <= region.used <= region.room for region in default_build.regions)


def test_the_kernel_without_its_compiler_has_at_most_40_kib(
    clang: Toolchain, sources_without_compiler: Path, tmp_path: Path
) -> None:
    layout = dataclasses.replace(default_layout(), kernel_sources=sources_without_compiler)
    assert build_image(layout, tmp_path / "disk.img", clang).kernel.image_bytes <= 40 * 1024


def test_bitcode_programs_and_files(tmp_path: Path, clang: Toolchain) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    files = (FileSpec("/DOC/notes of mine.txt", tmp_path / "notes.txt", None), FileSpec("/T.TXT", None, "text"))
    build_image(small(bitcode_modules=None, files=files), tmp_path / "a.img", clang)
    report = inspect(tmp_path / "a.img")
    assert report.findings == ()
    assert len(report.modules) == 12
    assert {module.info.kind for module in report.modules} == {"bitcode"}
    paths = {f.path: f.item.size for f in report.volumes[0].files}
    assert paths["/DOC/notes of mine.txt"] == 5
    assert paths["/T.TXT"] == 4


def test_a_changed_source_recompiles_only_what_it_must(tmp_path: Path, clang: Toolchain, repository: Path) -> None:
    kernel = tmp_path / "kernel"
    shutil.copytree(repository / "kernel", kernel)
    layout = small(kernel_sources=kernel)
    cache = tmp_path / "cache"
    first = build_image(layout, tmp_path / "a.img", clang, cache_dir=cache)
    again = build_image(layout, tmp_path / "b.img", clang, cache_dir=cache)
    assert (first.compiled > 20, first.reused) == (True, 0)
    assert (again.compiled, again.reused) == (0, first.compiled)
    assert (tmp_path / "a.img").read_bytes() == (tmp_path / "b.img").read_bytes()
    with (kernel / "main.c").open("a") as stream:
        stream.write("\n/* changed */\n")
    third = build_image(layout, tmp_path / "c.img", clang, cache_dir=cache)
    assert 1 <= third.compiled <= 3


def test_a_damaged_cache_changes_no_image(tmp_path: Path, clang: Toolchain) -> None:
    cache = tmp_path / "cache"
    first = build_image(default_layout(), tmp_path / "a.img", clang, cache_dir=cache)
    assert (first.compiled, first.reused) == (len(list(cache.iterdir())), 0)  # each once, though modules share objects
    image = first.image.read_bytes()
    for index, entry in enumerate(sorted(cache.iterdir())):
        data = bytearray(entry.read_bytes())
        data[len(data) // 2] ^= 0x10
        entry.write_bytes(b"" if index % 3 == 0 else data)
    second = build_image(default_layout(), tmp_path / "b.img", clang, cache_dir=cache)
    assert (second.compiled, second.reused) == (first.compiled, 0)
    assert second.image.read_bytes() == image
    assert build_image(default_layout(), tmp_path / "c.img", clang, cache_dir=cache).compiled == 0


def test_builds_at_the_same_time_share_a_cache(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bfimg", "build", "--cache-dir", tmp_path / "cache", "-o"]
    images = [tmp_path / f"{number}.img" for number in range(3)]
    builds = [subprocess.Popen([*command, image], stdout=subprocess.DEVNULL) for image in images]
    assert [build.wait() for build in builds] == [0, 0, 0]
    assert len({image.read_bytes() for image in images}) == 1


def test_progress_ends_with_all_parts_done(tmp_path: Path, clang: Toolchain) -> None:
    seen: list[tuple[int, int]] = []
    layout = small(native_modules=("sum",), bitcode_modules=("sum",), kernel_pad_to=100_000)
    build_image(layout, tmp_path / "a.img", clang, progress=lambda done, total: seen.append((done, total)))
    total = seen[0][1]
    assert total > 10
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_dry_run_writes_no_image(tmp_path: Path, clang: Toolchain) -> None:
    report = build_image(small(), tmp_path / "a.img", clang, dry_run=True)
    assert not report.written and not (tmp_path / "a.img").exists()


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"image_size": 1 << 20}, FitError, "image of 2048 sectors, 2048 are taken before"),
        (
            {"image_size": 3 << 20},
            FitError,
            r"toml: image\.size: 4096 sectors make no FAT16 volume: it needs 4085 to 65524 clusters",
        ),
        (
            {"kernel_pad_to": 448 * 1024 + 1},
            FitError,
            r"toml: kernel\.pad_to: .* needs? \d+ bytes, 458752 fit: \d+ too many",
        ),
        ({"kernel_pad_to": 1000}, FitError, r"toml: kernel\.pad_to: kernel of \d+ bytes cannot be padded to 1000"),
        (
            {"native_modules": ("none",)},
            NotFoundError,
            r"toml: modules\.native: no module program 'none'; there are: fibonacci",
        ),
        (
            {"files": (FileSpec("/A", None, "x"), FileSpec("/a", None, "y"))},
            UsageError,
            "/a is on the volume already, as /A",
        ),
        (
            {"files": (FileSpec("/verylongname.verylongext", None, "x"), FileSpec("/VERYLO~1.VER", None, "y"))},
            UsageError,
            r"file\[1\]\.to: /VERYLO~1\.VER is on the volume already, as /verylongname\.verylongext",
        ),
        (
            {"files": (FileSpec("/a/b", None, "x"), FileSpec("/a//B", None, "y"))},
            UsageError,
            r"file\[1\]\.to: /a//B is on the volume already, as /a/b",
        ),
        (
            {"files": (FileSpec("/a/b", None, "x"), FileSpec("/a", None, "y"))},
            UsageError,
            r"file\[1\]\.to: /a is on the volume already",
        ),
        (
            {"files": (FileSpec("/a", None, "x"), FileSpec("/a/b", None, "y"))},
            UsageError,
            r"file\[1\]\.to: /a is a file",
        ),
        ({"files": (FileSpec("/a/./b", None, "x"),)}, UsageError, r"file\[0\]\.to: '\.' is no file name"),
        ({"native_modules": ("sum", "sum")}, UsageError, r"modules\.native: /SUM\.MOD is on the volume already"),
        (
            {"native_modules": ("sum",), "files": (FileSpec("/Sum.mod", None, "x"),)},
            UsageError,
            r"file\[0\]\.to: /Sum\.mod is on the volume already, as /SUM\.MOD",
        ),
        ({"files": (FileSpec("/A", Path("/dev/zero"), None),)}, InputError, "/dev/zero: cannot be read: it is no reg"),
        (
            {"root_entries": 16, "files": tuple(FileSpec(f"/{n}", None, "") for n in range(17))},
            FitError,
            r"file\[15\]\.to: root directory is full: 16 entries",
        ),
        ({"files": (FileSpec("/A", Path("none"), None),)}, InputError, "none: cannot be read"),
        (
            {"files": (FileSpec("/A*", None, "x"),)},
            UsageError,
            r"toml: file\[0\]\.to: '/?A\*' has '\*', which FAT does not",
        ),
        ({"files": (FileSpec("/A", None, "x" * (9 << 20)),)}, FitError, r"toml: file\[0\]\.to: volume is full"),
        ({"volume_label": "much too long"}, UsageError, r"toml: volume\.label: 'much too long' is no volume label"),
        ({"sectors_per_cluster": 3}, UsageError, r"toml: volume\.sectors_per_cluster: 3 sectors per cluster"),
        ({"kernel_sources": Path("/nowhere")}, InputError, "modules.toml: cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, clang: Toolchain, changes: dict[str, object], error: type[BfimgError], reason: str
) -> None:
    output = tmp_path / "a.img"
    output.write_bytes(b"old")
    with pytest.raises(error, match=reason):
        build_image(small(**changes), output, clang)
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


@pytest.fixture
def kernel(tmp_path: Path, repository: Path) -> Path:
    shutil.copytree(repository / "kernel", tmp_path / "kernel")
    return tmp_path / "kernel"


def build_kernel(kernel: Path, clang: Toolchain) -> None:
    build_image(small(kernel_sources=kernel), kernel.parent / "a.img", clang, cache_dir=kernel.parent / "cache")


def need(kernel: Path, function: str) -> None:
    """Has the linker keep a function that nobody calls."""
    with (kernel / "kernel.ld.S").open("a") as stream:
        stream.write(f"\nEXTERN({function})\n")


def test_a_kernel_that_outgrows_memory_is_refused_with_numbers(kernel: Path, clang: Toolchain) -> None:
    (kernel / "huge.c").write_text("char huge[500000];\nchar *where(void) { return huge; }\n")
    need(kernel, "where")
    with pytest.raises(FitError, match=r"50\d{4} bytes of bss need \d+ bytes, 458752 fit: \d+ too many"):
        build_kernel(kernel, clang)


def test_large_boot_code_is_refused_with_numbers(kernel: Path, clang: Toolchain) -> None:
    with (kernel / "boot" / "stage1.S").open("a") as stream:
        stream.write("\n.fill 600, 1, 0x90\n")
    with pytest.raises(BfimgError, match=r"stage 1 is \d+ bytes, 440 fit"):
        build_kernel(kernel, clang)


def test_compile_errors_are_one_line_with_file_and_place(kernel: Path, clang: Toolchain) -> None:
    (kernel / "broken.c").write_text("int f(void) { return x; }\n")
    with pytest.raises(CompileError, match=r"broken\.c: clang failed: broken\.c:1:\d+: error: .*x") as caught:
        build_kernel(kernel, clang)
    assert "\n" not in str(caught.value)


def test_undefined_symbols_do_not_link(kernel: Path, clang: Toolchain) -> None:
    (kernel / "undefined.c").write_text("int nowhere(void);\nint f(void) { return nowhere(); }\n")
    need(kernel, "f")
    with pytest.raises(CompileError, match="undefined symbol: nowhere"):
        build_kernel(kernel, clang)


def test_a_source_that_never_ends_is_refused(kernel: Path, clang: Toolchain) -> None:
    os.mkfifo(kernel / "endless.c")
    with pytest.raises(InputError, match=r"endless\.c: cannot be read: it is no regular file"):
        build_kernel(kernel, clang)


def test_a_source_named_like_an_option(kernel: Path, clang: Toolchain) -> None:
    (kernel / "-x.c").write_text("int dash_x(void) { return 1; }\n")
    (kernel / "@x.c").write_text("int at_x(void) { return 1; }\n")
    build_kernel(kernel, clang)


@pytest.mark.parametrize(
    "row",
    [
        "name = 3",
        'name = 3\nsummary = "s"\nsize = 1\nanswer = 1',
        'name = "../../x"\nsummary = "s"\nsize = 1\nanswer = 1',
        'name = "a\\"b"\nsummary = "s"\nsize = 1\nanswer = 1',
        'name = "x"\nsummary = "s"\nsize = 4294967296\nanswer = 1',
        'name = "x"\nsummary = "s"\nsize = 1\nanswer = -1',
        'name = "x"\nsummary = "s"\nsize = inf\nanswer = 1',
    ],
)
def test_a_module_list_that_is_none(kernel: Path, row: str) -> None:
    (kernel / "modules" / "modules.toml").write_text(f"[[module]]\n{row}\n")
    with pytest.raises(FormatError, match=r"modules\.toml: is no list of modules"):
        load_programs(kernel)
