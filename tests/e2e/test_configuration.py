"""BAREFLOW.CFG on the volume says what is run; the kernel stays the same."""

import pytest


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


def test_without_the_file_everything_runs_once(slave_run, module_files):
    run = slave_run({"SUM.MOD": module_files["sum"]})
    assert run.report.passed
    assert run.events("config")[-1] == {"event": "config", "file": "", "modules": "all", "iterations": 1}
    assert run.module("SUM.MOD")["calls"] == 1


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
        ("iterations = 0", "iterations: want a number from 1 to 1000000"),
        ("iterations = 1000001", "iterations: want a number from 1 to 1000000"),
        ("iterations = 99999999999999999999", "iterations: want a number from 1 to 1000000"),
        ("iterations = -1", "iterations: want a number from 1 to 1000000"),
        ("iterations = many", "iterations: want a number from 1 to 1000000"),
        ("\xff\x01\x1b[2J", "not plain text"),
    ],
)
def test_bad_line_is_reported_by_number_and_the_rest_counts(run_config, line, problem):
    run, modules = run_config(f"iterations = 2\n{line}\n")
    problems = [event for event in run.events("config") if "problem" in event]
    assert problems == [{"event": "config", "problem": problem, "line": 2}]
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
