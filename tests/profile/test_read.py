"""A profile is read when it is as its schema says and its indices lead somewhere; what is wrong is named."""

import json
import os

import pytest

from bfimg.errors import FormatError, InputError
from bfimg.profile import CallEdge, CallNode, Statistics, parse_profile, read, read_profile


def test_a_profile_is_read(document, encode):
    profile = parse_profile(encode(document))
    assert (profile.build_id, profile.probe_inner, profile.probe_outer) == (document["build_id"], 20, 45)
    plain, tree = profile.modules
    assert (plain.name, plain.file, plain.status, plain.size) == ("sum", "/SUM.MOD", "passed", 100)
    assert plain.cycles == Statistics(2, 2000, 900, 1100, 1000, 10_000)
    assert plain.cycles.deviation == 100
    assert (plain.functions, plain.nodes, plain.edges, plain.self_total) == ((), (), (), 2000)
    assert [function.name for function in tree.hottest()] == ["main", "leaf", "middle"]
    assert tree.nodes[1] == CallNode(0, 1, 1, 100) and tree.nodes[0].parent is None
    assert tree.edges[2] == CallEdge("middle", "leaf", 1)
    assert tree.self_total == 1000


def test_a_variance_that_does_not_fit_is_unknown(document, encode):
    document["modules"][0]["cycles"]["variance"] = (1 << 64) - 1
    cycles = parse_profile(encode(document)).modules[0].cycles
    assert (cycles.variance, cycles.deviation) == (None, None)


def test_numbers_keep_all_their_bits(document, encode):
    document["modules"][0]["cycles"]["total"] = (1 << 64) - 1
    assert parse_profile(encode(document)).modules[0].cycles.total == (1 << 64) - 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "offset 0x0: the profile is no UTF-8 text; name a file that bfimg boot --profile wrote"),
        (b"{", "the profile is no JSON: "),
        (b"[" * 200_000, "the profile is nested too deeply"),
        (b"1.5", "the profile is no JSON: 1.5 is no integer"),
        (b"NaN", "the profile is no JSON: NaN is no integer"),
        (b"18446744073709551616", "the profile is no JSON: an integer has more than 64 bits"),
        (b"1" * 1_000_000, "an integer has more than 64 bits"),
        (b"[]", r"not as the schema says: \[\] is not of type 'object'"),
    ],
)
def test_what_is_no_document_is_refused(data, message):
    with pytest.raises(FormatError, match=message):
        parse_profile(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("probe"), "^not as the schema says: 'probe' is a required property; name a file"),
        (lambda d: d.update(schema_version=2), "^schema_version: not as the schema says: 1 was expected"),
        (lambda d: d.update(more="x" * 1000), "^not as the schema says: Additional properties are not allowed"),
        (lambda d: d["modules"][0].update(calls=-1), r"^modules\[0\].calls: not as the schema says: -1 is less than"),
        (lambda d: d["modules"][0].update(name=["x" * 500]), r"^modules\[0\].name: .{,250}…; name a file"),
        (lambda d: d["modules"][1]["nodes"][1].update(parent=1), r"^modules\[1\].nodes\[1\].parent: node 1 is not bef"),
        (lambda d: d["modules"][1]["nodes"][1].update(function=3), r"^modules\[1\].nodes\[1\].function: there is no f"),
        (lambda d: d["modules"][1]["edges"][2].update(callee=3), r"^modules\[1\].edges\[2\].callee: there is no func"),
    ],
)
def test_the_place_that_is_wrong_is_named(document, encode, change, message):
    change(document)
    with pytest.raises(FormatError, match=message):
        parse_profile(encode(document))


def test_a_file_is_read_and_named_when_it_is_wrong(document, encode, tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_bytes(encode(document))
    assert read_profile(path).modules[0].name == "sum"
    path.write_text(json.dumps([]))
    with pytest.raises(FormatError, match=r"^\S*out.json: not as the schema says"):
        read_profile(path)
    monkeypatch.setattr(read, "EXPORT_MAX", 1)
    with pytest.raises(FormatError, match=r"out\.json: 2 bytes are no profile, which has at most 1"):
        read_profile(path)
    for name in ("none", "pipe"):
        with pytest.raises(InputError, match=f"{name}: cannot be read: .*; name a file that"):
            if name == "pipe":
                os.mkfifo(tmp_path / "pipe")
            read_profile(tmp_path / name)
