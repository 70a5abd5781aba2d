"""``bfimg profile``: what it prints, for people and for programs."""

import copy
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bfimg import schemas

TABLES = """\
kernel 0123456789abcdef0123456789abcdef; cycles, without 45 for each pair of probes

module  kind    status  calls  total  average  minimum  maximum  deviation
sum     native  passed      2  2,000    1,000      900    1,100        100
tree    native  passed      1  1,000    1,000    1,000    1,000          0

tree     self  self cycles  calls  total  average  minimum  maximum  deviation
main    50.0%          500      1  1,000    1,000    1,000    1,000          0
leaf    40.0%          400      2    400      200      100      300        100
middle  10.0%          100      1    200      200      200      200          0

caller  callee  calls
main    leaf        1
main    middle      1
middle  leaf        1
"""
COMPARISON = """\
module  kind     function  old calls  new calls  old cycles  new cycles  ratio
sum     native                     2          -       2,000           -
tree    native                     1          1       1,000       1,000  1.000
tree    native   main              1          1         500         250  0.500
tree    native   leaf              2          2         400         400  1.000
tree    native   middle            1          1         100         100  1.000
sum     bitcode                    -          2           -       2,000
the kernels of the two runs differ
"""


@pytest.fixture
def out(document, encode, tmp_path: Path) -> Path:
    """A profile in a file."""
    path = tmp_path / "out.json"
    path.write_bytes(encode(document))
    return path


@pytest.fixture
def other(document, encode, tmp_path: Path) -> Path:
    """A profile of a changed kernel and changed modules."""
    changed = copy.deepcopy(document)
    changed["build_id"] = "f" * 32
    changed["modules"][0]["kind"] = "bitcode"
    changed["modules"][1]["functions"][0]["self_cycles"] = 250
    path = tmp_path / "other.json"
    path.write_bytes(encode(changed))
    return path


def valid(text: str, schema: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(text)
    assert list(Draft202012Validator(schemas.load(schema)).iter_errors(document)) == []
    return document


def test_tables_for_people(bfimg: Callable, out):
    result = bfimg("profile", out)
    assert (result.code, result.out, result.err) == (0, TABLES, "")


def test_what_is_unknown_is_left_out(bfimg, out, document, encode):
    document["modules"][1]["dropped_calls"] = 3
    document["modules"][1]["edges"] = []
    document["modules"][1]["cycles"]["variance"] = (1 << 64) - 1
    document["modules"][1]["functions"] = [document["modules"][1]["functions"][0] | {"self_cycles": 0}]
    document["modules"][1]["nodes"] = []
    out.write_bytes(encode(document))
    lines = bfimg("profile", out).out.splitlines()
    assert lines[4] == "tree    native  passed      1  1,000    1,000    1,000    1,000"
    assert lines[7].startswith("main  0.0%            0 ")
    assert lines[8:] == ["3 calls found no room in the tree of calls; their cycles are with their callers"]


def test_document_for_programs(bfimg, out):
    document = valid(bfimg("profile", out, "--format", "json").out, "profile-report")
    assert document["file"] == str(out)
    plain, tree = document["modules"]
    assert plain["cycles"]["deviation"] == 100 and plain["functions"] == []
    assert [(item["name"], item["self_share"]) for item in tree["functions"]] == [
        ("main", 0.5),
        ("leaf", 0.4),
        ("middle", 0.1),
    ]


def test_one_module(bfimg, out):
    assert "sum" not in bfimg("profile", out, "--module", "tree").out
    result = bfimg("profile", out, "--module", "none")
    assert (result.code, result.err) == (2, "bfimg: no module none in the profile; there are: sum, tree\n")


def test_profile_without_modules(bfimg, out, document, encode):
    out.write_bytes(encode(document | {"modules": []}))
    assert len(bfimg("profile", out).out.splitlines()) == 3
    assert bfimg("profile", out, "--module", "a").err == "bfimg: no module a in the profile; it has none\n"


def test_pictures_and_stacks_go_where_they_are_asked_to(bfimg, out, tmp_path):
    svg, folded = tmp_path / "flame.svg", tmp_path / "stacks"
    result = bfimg("profile", out, "--svg", svg, "--folded", folded)
    assert (result.code, result.out) == (0, "")
    title = ElementTree.fromstring(svg.read_text()).find("{http://www.w3.org/2000/svg}title")
    assert title.text == "out.json: kernel 0123456789abcdef0123456789abcdef"
    assert bfimg("profile", out, "--folded", "-").out == folded.read_text()
    assert folded.read_text().splitlines()[-1] == "tree;main;leaf 300"
    assert bfimg("profile", out, "--svg", tmp_path / "none" / "a.svg").err.endswith("choose another file\n")


def test_two_profiles_are_compared(bfimg, out, other):
    result = bfimg("profile", out, other)
    assert (result.code, result.out) == (0, COMPARISON)
    document = valid(bfimg("profile", out, other, "--format", "json").out, "profile-comparison")
    assert (document["old"], document["new"], document["same_kernel"]) == (str(out), str(other), False)
    assert [change["ratio"] for change in document["changes"]] == [None, 1.0, 0.5, 1.0, 1.0, None]
    assert "differ" not in bfimg("profile", out, out).out


def test_what_neither_run_called_is_not_compared(bfimg, out, document, encode):
    document["modules"][0].update(calls=0, status="not selected")
    out.write_bytes(encode(document))
    assert "sum" not in bfimg("profile", out, out).out
    assert "sum" in bfimg("profile", out, out, "--format", "json").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("out.json",) * 3, "3 profiles cannot be compared; name one or two"),
        (("out.json", "out.json", "--svg", "x"), "a flame graph is of one profile; name one"),
        (("out.json", "out.json", "--folded", "x"), "a flame graph is of one profile; name one"),
        ((), "Missing argument"),
        (("none.json",), "none.json: cannot be read: No such file or directory; name a file that bfimg boot --prof"),
    ],
)
def test_what_cannot_be_shown_is_refused(bfimg, out, monkeypatch, arguments, message):
    monkeypatch.chdir(out.parent)
    result = bfimg("profile", *arguments)
    assert result.code == 2 and result.err.startswith(f"bfimg: {message}")
