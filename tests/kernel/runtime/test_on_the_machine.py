"""The runtime inside modules that the kernel runs: the same answers as on the host, order, and how misuse ends."""

import dataclasses
import subprocess

import pytest

import bfimg
from bfimg.boot import BootOptions, boot
from bfimg.build.build import build_image
from bfimg.build.layout import default_layout
from bfimg.module.add import add_modules
from bfimg.module.prepare import ModuleRequest, NativeRequest

N = 400
ARENA_BYTES = 64 * 1024

# What stops a module with an invalid instruction.
MISUSE = {
    "nomemory.cpp": 'char *volatile kept; extern "C" unsigned go(unsigned) { kept = new char[1 << 20]; return 1; }',
    "freed.c": "#include <stdlib.h>\nunsigned go(unsigned n) { void *p = malloc(9); free(p); free(p); return n; }",
    "unknown.c": "#include <stdlib.h>\nunsigned go(unsigned n) { static int x; free(&x + n); return n; }",
    "regrown.c": "#include <stdlib.h>\nunsigned go(unsigned n) { static int x; return realloc(&x, n) != 0; }",
    "aborted.c": "#include <stdlib.h>\nunsigned go(unsigned n) { if (n) abort(); return n; }",
    "pure.cpp": """
        struct base { base() { call(); } void call() { now(); } virtual unsigned now() = 0; };
        struct derived : base { unsigned now() override { return 1; } };
        extern "C" unsigned go(unsigned) { derived made; return made.now(); }
    """,
}
# What goes on: the answer is 1.
NO_MISUSE = {
    "nothrow.cpp": """
        #include <new>
        extern "C" unsigned go(unsigned) {
            char *none = new (std::nothrow) char[1 << 20], *some = new (std::nothrow) char[9];
            delete[] none;
            delete[] some;
            return none == nullptr && some != nullptr;
        }
    """,
    "many.c": """
        #include <stdlib.h>
        unsigned go(unsigned n) {
            unsigned count = 0;
            while (malloc(16384)) count++;
            return malloc(1) && 30 < count && count < 40 && n;
        }
    """,
    "nothing.c": "unsigned go(unsigned n) { return n; }",
}


@pytest.fixture(scope="module")
def host_answers(host_build, host_arena, mathematics, repository, runtime_folder, tmp_path_factory):
    """What each module answers for N when its sources run on the host."""
    here, kernel = repository / "tests/kernel/runtime", repository / "kernel"
    folder, arena = host_arena(ARENA_BYTES)
    parts = [*mathematics, runtime_folder / "allocation.c", runtime_folder / "conversions.c", arena]
    parts += [*(kernel / "lib").glob("*.c"), kernel / "memory" / "heap.c", here / "everything.c"]
    everything = host_build(parts, [here / "call_main.c", "-DENTRY=everything_main"], generated=folder)
    shapes = tmp_path_factory.mktemp("answers") / "shapes"
    sources = ["-x", "c++", repository / "samples/shapes.cpp", "-x", "c", "-DENTRY=shapes_main", here / "call_main.c"]
    subprocess.run(["clang", *sources, "-lstdc++", "-o", shapes], check=True)
    return {
        path: int(subprocess.run([program, str(N)], capture_output=True, check=True).stdout)
        for path, program in ((here / "everything.c", everything), (repository / "samples/shapes.cpp", shapes))
    }


@pytest.fixture(scope="module")
def events(toolchain, host_answers, repository, tmp_path_factory):
    """The events of one run of all the modules here, built by each toolchain."""
    folder = tmp_path_factory.mktemp("machine")
    layout = dataclasses.replace(default_layout(), native_modules=(), files=())
    image = build_image(layout, folder / "disk.img", toolchain).image
    here = repository / "tests/kernel/runtime"
    requests = [(path, None, N, answer) for path, answer in host_answers.items()]
    requests.append((here / "order.cpp", None, N, 12345))
    for name, text in (MISUSE | NO_MISUSE).items():
        (folder / name).write_text(text)
        requests.append((folder / name, "go", 1, 1))
    with pytest.MonkeyPatch.context() as patch, bfimg.open(image, write=True) as volume:
        patch.setenv("CC", toolchain.compiler[0])
        patch.setenv("LD", toolchain.linker[0])
        for path, entry, size, answer in requests:
            add_modules(volume, [path], ModuleRequest(entry=entry, native=NativeRequest(size, answer)))
    report = boot(BootOptions(image, timeout=30.0))
    assert report.events[-1]["event"] == "done", report.transcript
    return report.events


def of_modules(events, field):
    return {event["name"]: event.get(field) for event in events if event["event"] == "module"}


def test_answers_are_those_of_the_host(events, host_answers):
    answers, statuses = of_modules(events, "answer"), of_modules(events, "status")
    for path, answer in host_answers.items():
        assert (statuses[path.stem], answers[path.stem]) == ("passed", answer)


def test_statics_are_made_and_unmade_in_order(events):
    assert of_modules(events, "answer")["order"] == 12345
    faults = [event["name"] for event in events if event["event"] == "fault" and event["module"] == "order"]
    assert faults == ["breakpoint"]


def test_misuse_stops_the_module_alone(events):
    stopped = {event["module"]: event["name"] for event in events if event["event"] == "fault"}
    del stopped["order"]
    assert stopped == {name.partition(".")[0]: "invalid opcode" for name in MISUSE}
    statuses = of_modules(events, "status")
    assert {name: statuses[name.partition(".")[0]] for name in NO_MISUSE} == dict.fromkeys(NO_MISUSE, "passed")
