"""Profiles of instrumented modules, as the kernel exports them."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bfimg import schemas

WORK = """
#include <stdint.h>
volatile uint32_t sink;
__attribute__((noinline)) static uint32_t leaf(uint32_t n)
{
    for (uint32_t i = 0; i < 100; i++)
        sink += i;
    return n;
}
__attribute__((noinline)) static uint32_t deep(uint32_t n)
{
    sink++;
    uint32_t depth = n ? deep(n - 1) + 1 : leaf(0);
    sink++;
    return depth;
}
uint32_t work_main(uint32_t n)
{
    uint32_t sum = deep(20);
    for (uint32_t i = 0; i < n; i++)
        sum += leaf(i);
    return sum;
}
"""
CALLS = 150

ENDLESS = """
#include <stdint.h>
volatile uint32_t sink;
uint32_t endless_main(uint32_t n)
{
    uint32_t deeper = endless_main(n + 1);
    sink++;
    return deeper;
}
"""

# Between two calls it writes over all that the probes recorded.
VANDAL = """
#include <stdint.h>
#include "bf_constants.h"
volatile uint32_t sink;
__attribute__((noinline)) static void note(uint32_t value)
{
    sink += value;
}
uint32_t vandal_main(uint32_t pattern)
{
    note(0);
    for (uint32_t at = BF_MEM_PROFILE_START; at < BF_MEM_PROFILE_END; at += 4)
        *(volatile uint32_t *)at = at % 7 ? pattern : at;
    for (uint32_t i = 0; i < 10; i++)
        note(i);
    return sink;
}
"""


def exported(transcript: str) -> dict[str, Any]:
    """The document in the export, which is whole and as the schema says."""
    found = re.search(
        r"^--- BEGIN JSON ---\n(.*)^--- END JSON ---\n--- CRC32 ([0-9a-f]{8}) ---$", transcript, re.M | re.S
    )
    assert found, transcript
    assert zlib.crc32(found[1].encode()) == int(found[2], 16)
    assert max(map(len, found[1].splitlines())) < 4096
    document: dict[str, Any] = json.loads(found[1])
    errors = Draft202012Validator(schemas.load("profile")).iter_errors(document)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []
    return document


@pytest.fixture
def run(
    bfimg: Callable[..., Any], boot_disk: Callable[..., Any], disk: Path, tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """``run("iterations = 2", work=WORK)``: instruments the modules, not `plain`; what the kernel exports of them."""

    def start(settings: str, size: int = CALLS, **sources: str) -> dict[str, Any]:
        for name, text in sources.items():
            source = tmp_path / f"{name}.c"
            source.write_text(text)
            options = ["--instrument"] if name != "plain" else ["--entry", "work_main"]
            assert bfimg("add-module", "-i", disk, "--native", "--size", size, *options, source).code == 0
        config = tmp_path / "BAREFLOW.CFG"
        config.write_text(f"export = yes\nmodules = {','.join(sources) or 'sum'}\n{settings}\n")
        assert bfimg("add", disk, config, "part1:/").code == 0
        return exported(boot_disk(disk, icount=True).report.transcript)

    return start


def module(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [module for module in document["modules"] if module["name"] == name]
    return found


def test_calls_are_exact_and_cycles_those_of_the_module_alone(run: Callable[..., dict[str, Any]]) -> None:
    document = run("", work=WORK, plain=WORK)
    work, plain = module(document, "work"), module(document, "plain")
    names = [function["name"] for function in work["functions"]]
    functions = dict(zip(names, work["functions"], strict=True))
    assert {name: function["calls"] for name, function in functions.items()} == {
        "work_main": 1,
        "leaf": CALLS + 1,
        "deep": 21,
    }
    edges = {(names[edge["caller"]], names[edge["callee"]]): edge["calls"] for edge in work["edges"]}
    assert edges == {("work_main", "leaf"): CALLS, ("work_main", "deep"): 1, ("deep", "deep"): 20, ("deep", "leaf"): 1}

    # The tree holds every call and every cycle, and a recursion counts once for the outermost call.
    calls: Counter[str] = Counter()
    for node in work["nodes"]:
        calls[names[node["function"]]] += node["calls"]
    assert calls == {name: function["calls"] for name, function in functions.items()}
    assert work["dropped_calls"] == 0 and len(work["nodes"]) == 1 + 21 + 2
    total = functions["work_main"]["cycles"]["total"]
    assert sum(node["self_cycles"] for node in work["nodes"]) == total
    assert functions["deep"]["cycles"]["count"] == 1

    # Under icount cycles are instructions: each call of the leaf takes as many, and what the probes took is not there.
    leaf = functions["leaf"]["cycles"]
    assert leaf["minimum"] == leaf["maximum"] == leaf["average"] and leaf["variance"] == 0
    assert plain["functions"] == plain["nodes"] == plain["edges"] == []
    assert work["cycles"]["total"] == pytest.approx(plain["cycles"]["total"], rel=0.02)
    assert total == pytest.approx(plain["cycles"]["total"], rel=0.02)
    assert 10 < document["probe"]["inner"] < 500 and 10 < document["probe"]["outer"] < 500


def test_iterations_add_up(run: Callable[..., dict[str, Any]]) -> None:
    work = module(run("iterations = 40", work=WORK), "work")
    assert {function["name"]: function["calls"] for function in work["functions"]} == {
        "work_main": 40,
        "leaf": 40 * (CALLS + 1),
        "deep": 40 * 21,
    }
    assert work["calls"] == work["cycles"]["count"] == 40


def test_a_module_that_is_stopped_keeps_its_counts(run: Callable[..., dict[str, Any]]) -> None:
    """Calls that never return count; none of them has a time."""
    document = run("", size=0, endless=ENDLESS, work=WORK)
    endless = module(document, "endless")
    assert (endless["status"], endless["reason"]) == ("stopped", "stack overflow")
    (function,) = endless["functions"]
    assert function["calls"] > 500 and function["cycles"]["count"] == function["self_cycles"] == 0
    assert sum(node["calls"] for node in endless["nodes"]) + endless["dropped_calls"] == function["calls"]
    assert module(document, "work")["functions"][0]["calls"] == 1


@pytest.mark.parametrize("pattern", [0, 1, 0xFFFFFFFF, 0x01010101, 0x000003FF])
def test_a_module_that_damages_its_records_harms_nobody_else(run: Callable[..., dict[str, Any]], pattern: int) -> None:
    document = run("", size=pattern, vandal=VANDAL)
    vandal = module(document, "vandal")
    assert vandal["status"] in ("unchecked", "stopped")
    for index, node in enumerate(vandal["nodes"]):
        assert node["parent"] is None or node["parent"] < index
        assert node["function"] < len(vandal["functions"])


def test_the_machine_in_the_export(run: Callable[..., dict[str, Any]]) -> None:
    document = run("heap_kib = 512\njit_code_kib = 16")
    assert document["cpu"]["needed"] == ["FPU", "TSC", "CMOV", "SSE", "SSE2"]
    assert set(document["cpu"]["needed"]) <= set(document["cpu"]["features"])
    assert document["cpu"]["vendor"] in ("GenuineIntel", "AuthenticAMD")
    assert document["memory"]["heap"]["size"] >= 512 * 1024 - 64
    assert [(pool["name"], pool["size"]) for pool in document["memory"]["pools"]] == [
        ("code", 16 * 1024),
        ("data", 32 * 1024),
        ("metadata", 16 * 1024),
    ]
    for memory in (document["memory"]["heap"], *document["memory"]["pools"]):
        assert memory["used"] + memory["free"] == memory["size"] and memory["used"] <= memory["peak"]
    assert "IDE interface" in [device["class_name"] for device in document["pci"]]
    (volume,) = document["volumes"]
    assert (volume["lba"], volume["label"]) == (2048, "BAREFLOW") and volume["bytes_read"] > 0
    assert module(document, "fibonacci")["overridden"] == [{"source": "embedded", "file": ""}]
    done = module(document, "sum")
    assert done["status"] == "passed" and done["answer"] == done["expected"]
    assert done["cycles"]["total"] == done["cycles"]["maximum"] == done["cycles"]["average"] > 0


def test_two_runs_under_icount_export_the_same(
    run: Callable[..., dict[str, Any]], boot_disk: Callable[..., Any], disk: Path
) -> None:
    documents = [run("", work=WORK), exported(boot_disk(disk, icount=True).report.transcript)]
    for document in documents:
        del document["volumes"][0]["milliseconds"]  # a disk takes its time, however instructions are counted
    assert documents[0] == documents[1]


def test_nothing_is_exported_unasked(boot_disk: Callable[..., Any], disk: Path) -> None:
    assert "BEGIN JSON" not in boot_disk(disk).report.transcript
