"""Native modules with a table: nothing in them may be changed, and the kernel does what the table says."""

import pytest

from bfimg.formats.memory_map import memory_region
from bfimg.formats.native_module import (
    NATIVE_TABLE_OFFSET,
    NativeFunction,
    NativeModuleFlag,
    NativeModuleTable,
)
from bfimg.module.identify import identify

START = NATIVE_TABLE_OFFSET + NativeModuleTable.SIZE  # where the code of make_sealed begins
ARENA = memory_region("module_arena").start
ARGUMENT = bytes.fromhex("8b 44 24 04 c3")  # mov eax, [esp + 4]; ret
KNOWN = NativeModuleFlag.SIZE_KNOWN | NativeModuleFlag.ANSWER_KNOWN


def statuses(run):
    """Status and reason of each module by the name of its file."""
    return {event["file"][1:]: (event["status"], event.get("reason")) for event in run.events("module")}


def test_flipped_bit_anywhere_is_refused(slave_run, module_files):
    good = module_files["fibonacci"]
    assert len(good) < 300  # so that each of its bytes gets a file
    files = {"GOOD.MOD": good}
    for place in range(len(good)):
        damaged = bytearray(good)
        damaged[place] ^= 1 << place % 8
        files[f"F{place}.MOD"] = bytes(damaged)
    run = slave_run(files)
    found = statuses(run)
    assert len(found) == len(files)
    assert found.pop("GOOD.MOD") == ("passed", None)
    assert {status for status, _ in found.values()} == {"invalid"}, run.report.transcript
    assert run.only("done")["invalid"] == len(files) - 1


def function(**fields):
    """A list of one function, behind a body of ARGUMENT, and its name."""
    at = START + len(ARGUMENT)
    entry = NativeFunction(**{"offset": START, "size": 4, "name": at + NativeFunction.SIZE, **fields})
    return entry.to_bytes() + b"f\0"


LIST = {"flags": NativeModuleFlag.INSTRUMENTED, "functions": START + len(ARGUMENT), "function_count": 1}
OUT_OF_RANGE, OUTSIDE = "a table field is out of range", "a function to call is outside the image"
IMAGE, FUNCTIONS = "image size is not that of table and code", "function list is out of order or outside the file"

# The table's CRC is right in all of them.
BAD_TABLES = {
    "version": ({"version": 2}, "table of another version or size"),
    "table size": ({"table_size": 60}, "table of another version or size"),
    "file CRC": ({"file_crc": 0}, "file CRC is wrong"),
    "flags": ({"flags": 8}, OUT_OF_RANGE),
    "reserved": ({"reserved1": 1}, OUT_OF_RANGE),
    "image ends in the table": ({"image_size": START - 1}, IMAGE),
    "image longer than the file": ({"image_size": START + len(ARGUMENT) + 1}, IMAGE),
    "constructors": ({"init": START + len(ARGUMENT)}, OUTSIDE),
    "destructors": ({"fini": 0xFFFFFFFF}, OUTSIDE),
    "CPU": ({"cpu_features": 0x80000000}, "needs CPU features that are not there"),
    "functions without a list": ({"function_count": 1}, FUNCTIONS),
    "list without functions": ({"functions": START}, FUNCTIONS),
    "list in the image": ({**LIST, "functions": START}, FUNCTIONS),
    "list behind the file": ({**LIST, "functions": 0xFFFFFFFC}, FUNCTIONS),
    "too many functions": ({**LIST, "function_count": 257}, FUNCTIONS),
    "more functions than fit": ({**LIST, "function_count": 2, "behind": function()}, FUNCTIONS),
    "function outside": ({**LIST, "behind": function(offset=START + len(ARGUMENT))}, FUNCTIONS),
    "function too long": ({**LIST, "behind": function(size=0xFFFFFFFF)}, FUNCTIONS),
    "name outside": ({**LIST, "behind": function(name=0xFFFFFFFF)}, FUNCTIONS),
    "name without end": ({**LIST, "behind": function()[:-1]}, FUNCTIONS),
    "empty name": ({**LIST, "behind": function()[:-2] + b"\0\0"}, FUNCTIONS),
    "long name": ({**LIST, "behind": function()[:-2] + b"n" * 256 + b"\0"}, FUNCTIONS),
    "name of two lines": ({**LIST, "behind": function()[:-2] + b"\n\0"}, FUNCTIONS),
    "functions out of order": ({**LIST, "function_count": 2, "behind": function() * 2}, FUNCTIONS),
}


def test_table_that_makes_no_sense_is_refused_though_its_crc_is_right(slave_run, make_sealed):
    files = {
        f"T{number}.MOD": make_sealed(ARGUMENT, name=f"t{number}", **fields)
        for number, (fields, _) in enumerate(BAD_TABLES.values())
    }
    files["GOOD.MOD"] = make_sealed(ARGUMENT, behind=function(), **LIST)
    found = statuses(slave_run(files))
    assert found.pop("GOOD.MOD") == ("unchecked", None)
    assert all(identify(data).problems for name, data in files.items() if name != "GOOD.MOD"), "check finds them, too"
    assert dict(zip(BAD_TABLES, found.values(), strict=True)) == {
        name: ("invalid", reason) for name, (_, reason) in BAD_TABLES.items()
    }
    # `bfimg check` agrees.
    assert [name for name, data in files.items() if not identify(data).problems] == ["GOOD.MOD"]


@pytest.mark.parametrize(
    ("name", "fields", "status", "size"),
    [
        ("test", {"flags": KNOWN, "size": 7, "answer": 7}, "passed", 7),
        ("test", {"flags": KNOWN, "size": 7, "answer": 8}, "failed", 7),
        ("test", {"flags": NativeModuleFlag.SIZE_KNOWN, "size": 9}, "unchecked", 9),
        ("test", {"flags": NativeModuleFlag.ANSWER_KNOWN, "answer": 1}, "passed", 1),
        ("test", {}, "unchecked", 1),
        ("sum", {"flags": KNOWN, "size": 7, "answer": 7}, "passed", 7),
    ],
)
def test_table_says_how_to_call_and_what_comes_back(slave_run, make_sealed, name, fields, status, size):
    event = slave_run({"TEST.MOD": make_sealed(ARGUMENT, name=name, **fields)}).module("TEST.MOD")
    assert (event["status"], event["size"], event["answer"]) == (status, size, size)
    assert event.get("expected") == fields.get("answer")


def test_constructors_run_once_before_and_destructors_once_behind(slave_run, make_sealed):
    # A counter; a constructor that adds 10 to it; an entry that adds 1 and returns it; a destructor.
    counter = (ARENA + START).to_bytes(4, "little")
    add = bytes.fromhex("83 05") + counter  # add dword ptr [counter], the byte that follows
    constructor = add + b"\x0a\xc3"
    entry = add + b"\x01\xa1" + counter + b"\xc3"  # mov eax, [counter]; ret
    code = bytes(4) + constructor + entry
    offsets = {"entry": 4 + len(constructor), "init": START + 4, "fini": START + len(code)}
    run = slave_run(
        {
            "BAREFLOW.CFG": b"iterations = 3\n",
            "GOOD.MOD": make_sealed(code + b"\xc3", **offsets),
            "TRAP.MOD": make_sealed(code + b"\xcc\xc3", name="trap", **offsets),
            "TRAPPED.MOD": make_sealed(b"\xcc" + ARGUMENT, name="trapped", entry=1, init=START),
        }
    )
    good = run.module("GOOD.MOD")
    assert (good["status"], good["calls"], good["answer"]) == ("unchecked", 3, 13)
    trap = run.module("TRAP.MOD")  # its destructor was reached, behind the calls
    assert (trap["status"], trap["reason"], trap["calls"], trap["answer"]) == ("stopped", "breakpoint", 3, 13)
    trapped = run.module("TRAPPED.MOD")  # its constructor did not return: the entry was never called
    assert (trapped["status"], "calls" in trapped) == ("stopped", False)
    assert run.report.reason == "2 of 3 modules stopped: trap (breakpoint), trapped (breakpoint)"


def test_only_the_image_is_loaded(slave_run, make_sealed):
    # Reads the byte behind the image: a breakpoint left by the module before, not the byte of the file.
    read = b"\x0f\xb6\x05" + (ARENA + START + 8).to_bytes(4, "little") + b"\xc3"  # movzx eax, byte ptr [...]; ret
    run = slave_run(
        {
            "FIRST.MOD": make_sealed(read, name="first", behind=b"\x77"),
            "SECOND.MOD": make_sealed(read, name="second", behind=b"\x77"),
        }
    )
    assert run.module("SECOND.MOD")["answer"] == 0xCC
