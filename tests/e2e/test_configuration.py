"""BAREFLOW.CFG on the volume says what is run; the kernel stays the same."""

import subprocess

import pytest

from bfimg.boot import BootOptions
from bfimg.boot.qemu import find_qemu, qemu_command
from bfimg.boot.serial_protocol import parse_machine_lines
from bfimg.formats.boot_protocol import HOST_CONFIG_FILE, HOST_CONFIG_MAX
from bfimg.formats.memory_map import EXTENDED_START, memory_region


@pytest.fixture
def run_config(slave_run, module_files):
    """Function that boots with this BAREFLOW.CFG beside three modules, and gives the run and their events by name."""

    def run(text):
        files = {f"{name.upper()}.MOD": module_files[name] for name in ("sum", "sha256", "primes")}
        result = slave_run({"BAREFLOW.CFG": text.encode("latin-1"), **files})
        return result, {event["name"]: event for event in result.events("module")}

    return run


def test_listed_modules_run_as_often_as_asked(run_config):
    run, modules = run_config("modules = sum, sha256\niterations = 3\n")
    assert run.report.passed, run.report.reason
    assert {name: (event["status"], event.get("calls")) for name, event in modules.items()} == {
        "sum": ("passed", 3),
        "sha256": ("passed", 3),
        "primes": ("not selected", None),
    }
    config = run.events("config")[-1]
    assert (config["file"], config["modules"], config["iterations"]) == ("BAREFLOW.CFG", "sum, sha256", 3)


DEFAULTS = {
    "event": "config", "file": "", "drive": "", "host": False, "modules": "all", "iterations": "auto",
    "time_limit": 2000,
    "interactive": False, "export": False, "cache": False, "jit_dump": False,
    "heap_kib": 256, "jit_code_kib": 32, "jit_data_kib": 32, "jit_metadata_kib": 16,
    "jit_level": "adaptive", "jit_o1_calls": 100, "jit_o2_calls": 1000, "jit_o3_calls": 10000,
}  # fmt: skip


def test_without_the_file_everything_runs_once(slave_run, module_files):
    run = slave_run({"SUM.MOD": module_files["sum"]})
    assert run.report.passed
    assert run.only("config") == DEFAULTS
    assert run.module("SUM.MOD")["calls"] == 1


def test_one_file_counts_for_the_whole_run_and_the_master_comes_first(disk, boot_disk, slave_volume, make_native):
    files = {"BAREFLOW.CFG": b"modules = none\niterations = 5\n", "TEST.MOD": make_native(b"\xc3")}
    run = boot_disk(disk, slave=slave_volume(files))
    assert run.report.passed, run.report.reason
    config = run.only("config")
    assert (config["file"], config["drive"], config["modules"], config["iterations"]) == (
        "BAREFLOW.CFG", "ata0-master", "all", "auto",
    )  # fmt: skip
    assert run.module("TEST.MOD")["calls"] == 1


def test_file_of_the_slave_counts_for_the_master_too(disk, boot_disk, slave_volume, bfimg):
    assert bfimg("rm", disk, "part1:/BAREFLOW.CFG").code == 0
    run = boot_disk(disk, slave=slave_volume({"BAREFLOW.CFG": b"modules = sum\n"}))
    assert run.report.passed, run.report.reason
    assert run.only("config")["drive"] == "ata0-slave"
    assert [event["name"] for event in run.events("module") if event["status"] == "passed"] == ["sum"]


@pytest.fixture
def run_host(tmp_path):
    """Function that boots an image with these lines from the host, and gives the machine lines."""

    def run(image, lines, *arguments):
        (tmp_path / "lines").write_bytes(lines)
        fw_cfg = f"name={HOST_CONFIG_FILE},file={tmp_path / 'lines'}"
        command = [*qemu_command(BootOptions(image), find_qemu(), "0" * 32), "-fw_cfg", fw_cfg, *arguments]
        result = subprocess.run(command, capture_output=True, timeout=20, check=False)
        return parse_machine_lines(result.stdout.decode().splitlines())

    return run


def test_lines_of_the_host_go_before_those_of_the_file(disk, run_host):
    lines = run_host(disk, b"modules = sum, primes\ntime_limit = 100\nspeed = 3\n")
    *problems, config = lines.of("config")
    assert problems == [{"event": "config", "problem": "unknown key", "file": HOST_CONFIG_FILE, "line": 3}]
    assert (config["file"], config["host"], config["modules"]) == ("BAREFLOW.CFG", True, "sum, primes")
    assert (config["iterations"], config["time_limit"]) == ("auto", 100)
    assert {module.name for module in lines.modules if module.status == "passed"} == {"sum", "primes"}


def test_longest_and_too_long_lines_of_the_host(kernel_disk, run_host):
    longest = b"iterations = 7\n".ljust(HOST_CONFIG_MAX, b"#")
    assert run_host(kernel_disk, longest).of("config")[-1]["iterations"] == 7
    lines = run_host(kernel_disk, longest + b"#")
    assert [event["problem"] for event in lines.of("config") if "problem" in event] == ["the file is too large"]
    assert (lines.of("config")[-1]["iterations"], lines.of("done")[0]["invalid"]) == ("auto", 1)


def test_more_memory_is_taken_beyond_the_map_and_less_of_what_the_map_has(kernel_disk, run_host):
    text = b"heap_kib = 5000\njit_code_kib = 64\njit_data_kib = 5000\njit_metadata_kib = 8\n"
    lines = run_host(kernel_disk, text)
    memory = lines.of("memory")[0]
    start = {name: memory[f"{name}_start"] for name in ("code", "data", "metadata")}
    sizes = [memory[f"{name}_size"] for name in ("heap", *start)]
    assert sizes == [5000 * 1024, 64 * 1024, 5000 * 1024, 8 * 1024]
    extended = int(EXTENDED_START) + (5000 - 256) * 1024
    assert start == {
        "code": extended, "data": extended + 64 * 1024, "metadata": memory_region("jit_metadata").start,
    }  # fmt: skip
    assert memory["self_test"] == "passed"  # which writes to all of the pools
    assert lines.of("done")[0]["invalid"] == 0


def test_memory_that_is_not_there_is_reported_and_the_map_counts(kernel_disk, run_host):
    lines = run_host(kernel_disk, b"heap_kib = 1048576\njit_code_kib = 65536\njit_data_kib = 40\n")
    problems = [event for event in lines.of("config") if "problem" in event]
    assert [event["key"] for event in problems] == ["heap_kib", "jit_code_kib"]
    memory = lines.of("memory")[0]
    sizes = [memory[f"{name}_size"] for name in ("heap", "code", "data")]
    assert sizes == [256 * 1024, 32 * 1024, 40 * 1024]
    assert lines.of("done")[0]["invalid"] == 2


def test_time_limit_stops_a_module_and_iterations_are_calls_up_to_it(slave_run, make_native, module_files):
    # Returns on its first two calls, then loops: the counter is in its code.
    counter = (memory_region("module_arena").start).to_bytes(4, "little")
    code = bytes(4) + b"\xff\x05" + counter + b"\x83\x3d" + counter + b"\x03\x74\xfe\xa1" + counter + b"\xc3"
    files = {
        "BAREFLOW.CFG": b"iterations = 5\ntime_limit = 30\n",
        "LOOP.MOD": make_native(code, entry_offset=4),
        "SUM.MOD": module_files["sum"],
    }
    run = slave_run(files)
    loop = run.module("LOOP.MOD")
    assert (loop["status"], loop["reason"], loop["calls"], loop["answer"]) == ("stopped", "time limit", 3, 2)
    assert run.only("fault")["module"] == "test"
    assert run.module("SUM.MOD")["calls"] == 5
    assert run.report.reason == "1 of 2 modules stopped: test (time limit)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# a comment\r\n\r\nmodules=primes # and why\r\n", {"primes"}),
        ("modules = primes", {"primes"}),
        ("\tmodules\t=\tsum , primes ", {"sum", "primes"}),
        ("modules = sum\nmodules = primes\n", {"primes"}),
        ("", {"sum", "sha256", "primes"}),
    ],
    ids=["comments and CRLF", "no line end", "blanks", "twice", "empty file"],
)
def test_form_is_free(run_config, text, expected):
    run, modules = run_config(text)
    assert run.report.passed, run.report.reason
    assert {name for name, event in modules.items() if event["status"] == "passed"} == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("speed = 3", "unknown key"),
        ("modules", "want a line `key = value`"),
        ("modules =", "modules: want `all` or names separated by commas, at most 255 characters"),
        ("modules = " + "x" * 256, "modules: want `all` or names separated by commas, at most 255 characters"),
        ("modules = sum,,primes", "modules: a name is empty"),
        ("modules = " + ",".join(["sum"] * 33), "modules: more than 32 names"),
        ("iterations = 0", "iterations: want auto or a number from 1 to 1000000"),
        ("iterations = 1000001", "iterations: want auto or a number from 1 to 1000000"),
        ("iterations = 99999999999999999999", "iterations: want auto or a number from 1 to 1000000"),
        ("iterations = -1", "iterations: want auto or a number from 1 to 1000000"),
        ("iterations = many", "iterations: want auto or a number from 1 to 1000000"),
        ("time_limit = 0", "time_limit: want a number from 1 to 600000"),
        ("time_limit = 600001", "time_limit: want a number from 1 to 600000"),
        ("interactive = maybe", "interactive: want `yes` or `no`"),
        ("export =", "export: want `yes` or `no`"),
        ("cache = 1", "cache: want `yes` or `no`"),
        ("heap_kib = 255", "heap_kib: want a number from 256 to 1048576"),
        ("jit_code_kib = 3", "jit_code_kib: want a number from 4 to 65536"),
        ("jit_data_kib = 65537", "jit_data_kib: want a number from 4 to 65536"),
        ("jit_metadata_kib = x", "jit_metadata_kib: want a number from 4 to 65536"),
        ("jit_level = 4", "jit_level: want adaptive or a number from 0 to 3"),
        ("jit_o1_calls = 0", "jit_o1_calls: want a number from 1 to 100000000"),
        ("jit_o2_calls = auto", "jit_o2_calls: want a number from 1 to 100000000"),
        ("jit_o3_calls = 100000001", "jit_o3_calls: want a number from 1 to 100000000"),
        ("\xff\x01\x1b[2J", "not plain text"),
    ],
)
def test_bad_line_is_reported_by_number_and_the_rest_counts(run_config, line, problem):
    run, modules = run_config(f"iterations = 2\n{line}\n")
    problems = [event for event in run.events("config") if "problem" in event]
    assert problems == [{"event": "config", "problem": problem, "file": "BAREFLOW.CFG", "line": 2}]
    assert {event["calls"] for event in modules.values()} == {2}
    assert run.events("done")


def test_module_that_is_not_there_fails_the_run(run_config):
    run, modules = run_config("modules = sum, missing\n")
    assert run.report.exit_value == "FAILED"
    assert {"event": "config", "problem": "no module of this name", "module": "missing"} in run.events("config")
    assert modules["sum"]["status"] == "passed"


def test_file_that_is_too_large_is_reported(run_config):
    run, modules = run_config("#" * 5000)
    assert run.report.exit_value == "FAILED"
    assert [event["problem"] for event in run.events("config") if "problem" in event] == ["the file is too large"]
    assert len(modules) == 3
