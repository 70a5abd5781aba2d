"""The standard headers that modules include: each stands alone, C++ sees the names in std, links and types fit."""

import subprocess

import pytest

C_HEADERS = ["math.h", "stdlib.h", "string.h", "stdint.h", "stddef.h", "stdbool.h", "limits.h", "float.h"]
CXX_HEADERS = [*C_HEADERS, "cmath", "cstddef", "cstdint", "cstdlib", "cstring", "new"]
USES = {
    "usual.c": """
        #include <math.h>
        #include <stdlib.h>
        #include <string.h>
        float both(double x, float y) { return (float)(sin(x) + floor(x)) + expf(y) + (isnan(x) ? INFINITY : 1); }
        char *copy(const char *text) { return memcpy(malloc(strlen(text) + 1), text, strlen(text) + 1); }
    """,
    "usual.cpp": """
        #include <cmath>
        #include <cstdint>
        #include <cstdlib>
        #include <cstring>
        #include <new>
        static_assert(sizeof(std::sin(1.0f)) == sizeof(float) && sizeof(std::sqrt(1.0)) == sizeof(double), "overloads");
        struct point { double x, y; };
        double length(const point &p) { return std::isfinite(p.x) ? std::sqrt(p.x * p.x + p.y * p.y) : sin(p.x); }
        point *placed(void *room) { return new (room) point{1, 2}; }
        point *wanted() { return new (std::nothrow) point[static_cast<std::size_t>(std::strlen("four"))]; }
    """,
}


@pytest.fixture
def compiled(toolchain, runtime_folder, tmp_path):
    """Function that compiles a text as a module's source; its messages."""

    def compile(name, text):
        source = tmp_path / name
        source.write_text(text)
        command = toolchain.module_command(str(source), str(tmp_path / "x.o"), (str(runtime_folder / "include"),))
        done = subprocess.run([*command, "-Wpedantic"], capture_output=True, text=True, timeout=60)
        return done.stderr

    return compile


def test_each_header_stands_alone(compiled):
    for name, headers in (("x.c", C_HEADERS), ("x.cpp", CXX_HEADERS)):
        for header in headers:
            assert compiled(name, f"#include <{header}>\n#include <{header}>\nint used;\n") == "", (name, header)


@pytest.mark.parametrize("name", USES)
def test_usual_code_compiles_without_a_warning(compiled, name):
    assert compiled(name, f"{USES[name]}\n") == ""
