"""C and C++ files of a user, compiled by `add-module --native`, and modules in the kernel itself: they run."""

import dataclasses
import shutil

import pytest

from bfimg.build.build import build_image
from bfimg.build.layout import default_layout
from bfimg.toolchain.compiler import select

SOURCE = """
#include <math.h>
#include <stdlib.h>
#include <string.h>
static unsigned digits(unsigned n) { return n < 10 ? 1 : 1 + digits(n / 10); }
unsigned uses_runtime_main(unsigned n)
{
    unsigned char *bytes = malloc(n);
    memset(bytes, 3, n);
    unsigned total = 0;
    for (unsigned i = 0; i < n; i++)
        total += bytes[i];
    free(bytes);
    return total + digits(n) + (unsigned)sqrt((double)n);
}
"""
CXX = """
struct Order {
    static unsigned seen;
    Order(unsigned digit) { seen = seen * 10 + digit; }
    ~Order() { seen /= 10; }
};
unsigned Order::seen;
static Order first(1), second(2);
extern "C" unsigned ordered_main(unsigned n)
{
    Order *third = new Order(3);
    unsigned answer = Order::seen * n;
    delete third;
    return answer;
}
"""


@pytest.mark.parametrize("family", ["clang", "gcc"])
def test_sources_become_modules_that_run(bfimg, boot_disk, kernel_disk, tmp_path, monkeypatch, family):
    monkeypatch.setenv("CC", family)
    image = tmp_path / "disk.img"
    shutil.copy(kernel_disk, image)
    (tmp_path / "uses_runtime.c").write_text(SOURCE)
    (tmp_path / "ordered.cpp").write_text(CXX)
    for options in (
        ("--size", 100, "--answer", 313, "--instrument", tmp_path / "uses_runtime.c"),
        ("--size", 2, "--answer", 246, tmp_path / "ordered.cpp"),
        ("--size", 2, "--answer", 247, "--name", "wrong", tmp_path / "ordered.cpp"),
        ("--entry", "ordered_main", "--name", "unknown", tmp_path / "ordered.cpp"),
    ):
        result = bfimg("add-module", "-i", image, "--native", *options)
        assert result.code == 0, result.err
    run = boot_disk(image)
    modules = {event["name"]: event for event in run.events("module")}
    assert {name: (event["status"], event["answer"]) for name, event in modules.items() if name != "fibonacci"} == {
        "uses_runtime": ("passed", 313),
        "ordered": ("passed", 246),
        "wrong": ("failed", 246),
        "unknown": ("unchecked", 123),
    }
    assert not run.report.passed


@pytest.mark.parametrize("family", ["clang", "gcc"])
def test_modules_in_the_kernel_run_without_a_file(boot_disk, programs, tmp_path, family):
    names = ("sum", "fft_1d")
    layout = dataclasses.replace(
        default_layout(), embedded_modules=names, instrumented_modules=("sum",), native_modules=(), files=()
    )
    run = boot_disk(build_image(layout, tmp_path / "disk.img", select(family)).image)
    assert run.report.passed, run.report.reason
    assert {event["name"]: (event["source"], event["answer"]) for event in run.events("module")} == {
        name: ("embedded", programs[name].answer) for name in names
    }
