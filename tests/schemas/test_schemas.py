"""What the verbs print with --format json is what the schemas in the package say, key for key."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bfimg import schemas
from bfimg.errors import NotFoundError
from bfimg.module.wrap import native_module

Run = Callable[..., Any]
Valid = Callable[..., dict[str, Any]]


@pytest.fixture
def valid(bfimg: Run) -> Valid:
    """Run a verb with --format json; its document, after validation against the verb's schema."""

    def call(verb: str, *arguments: object, code: int = 0) -> dict[str, Any]:
        result = bfimg(verb, *arguments, "--format", "json")
        assert result.code == code, result.err
        document: dict[str, Any] = json.loads(result.out)
        errors = [f"{error.json_path}: {error.message}" for error in validator(verb).iter_errors(document)]
        assert errors == []
        return document

    return call


def validator(verb: str) -> Draft202012Validator:
    return Draft202012Validator(schemas.load(verb))


def verbs_with_json(repository: Path) -> set[str]:
    """Verbs whose source prints a document."""
    files = (repository / "bfimg" / "cli").glob("*.py")
    printing = [path for path in files if re.search(r"\bprint_json\(|json\.dumps\(", path.read_text())]
    return {path.stem.replace("_", "-") for path in printing} - {"terminal"}


def test_every_document_has_a_schema(repository: Path) -> None:
    of_profiles = {"profile", "profile-report", "profile-comparison"}
    assert set(schemas.names()) == verbs_with_json(repository) | of_profiles


@pytest.mark.parametrize("name", schemas.names())
def test_schemas_are_strict(name: str) -> None:
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert "schema_version" in schema["required"]
    assert schema["$id"] == f"urn:bfimg:{name}:1"

    def objects(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for item in node for found in objects(item)]
        if not isinstance(node, dict):
            return []
        own = [node] if "properties" in node and "additionalProperties" in node else []
        return own + [found for item in node.values() for found in objects(item)]

    for found in objects(schema):
        assert found["additionalProperties"] is False
        assert set(found["required"]) == set(found["properties"])


def test_a_verb_without_schema() -> None:
    with pytest.raises(NotFoundError, match=r"no schema \.\./errors; there are: add-module, "):
        schemas.load("../errors")


def test_wrong_documents_are_refused(valid: Valid, disk: Path) -> None:
    document = valid("map", disk)
    for change in ({"size": "1"}, {"schema_version": 2}, {"more": 1}, {"kind": "egg"}, {"regions": [{}]}):
        assert not validator("map").is_valid({**document, **change})
    del document["size"]
    assert not validator("map").is_valid(document)


def test_inspect(valid: Valid, bfimg: Run, disk: Path, tmp_path: Path, repository: Path) -> None:
    assert bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc").code == 0
    assert len(valid("inspect", disk)["modules"]) == 13
    data = bytearray(disk.read_bytes())
    data[512 + 20] ^= 1
    disk.write_bytes(data)
    assert valid("inspect", disk)["findings"]
    (tmp_path / "x").write_bytes(b"x")
    assert valid("inspect", tmp_path / "x")["kind"] == "unknown"
    assert valid("inspect", f"{disk}@@1M")["base"] == 1 << 20
    with (tmp_path / "gpt").open("wb") as stream:
        stream.truncate(8 << 20)
    subprocess.run(["sfdisk", tmp_path / "gpt"], input="label: gpt\n-\n", text=True, check=True, capture_output=True)
    assert valid("inspect", tmp_path / "gpt")["regions"][1]["content"] == "gpt"


def test_build_and_add_module(valid: Valid, tmp_path: Path, repository: Path) -> None:
    document = valid("build", "-o", tmp_path / "disk.img")
    assert document["written"] and len(document["files"]) == 13
    sample = repository / "samples" / "sha256.bc"
    assert valid("add-module", "-i", tmp_path / "disk.img", sample, "-n")["written"] is False


def test_boot(valid: Valid, disk: Path) -> None:
    document = valid("boot", disk, "--expect", "sha256")
    assert document["passed"] and len(document["modules"]) == 12
    assert not valid("boot", disk, "--expect", "no such line", code=1)["passed"]


def test_doctor(valid: Valid, monkeypatch: pytest.MonkeyPatch) -> None:
    assert valid("doctor")["tools"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert valid("doctor", code=1)["tools"][0]["path"] is None


def test_mkfs_and_map(valid: Valid, bfimg: Run, disk: Path, tmp_path: Path) -> None:
    for bits, size in ((12, "1440K"), (16, "16M"), (32, "64M")):
        assert valid("mkfs", tmp_path / f"fat{bits}", "--size", size, "--fat", bits)["fat_bits"] == bits
    for name in "ABC":
        (tmp_path / name).write_bytes(b"x" * 9000)
    (tmp_path / "BIG").write_bytes(b"x" * 50_000)
    assert bfimg("add", disk, *(tmp_path / name for name in "ABC"), "part1:/").code == 0
    assert bfimg("rm", disk, "part1:/B").code == 0
    assert bfimg("add", disk, tmp_path / "BIG", "part1:/").code == 0
    assert valid("map", disk)["volumes"][0]["fragmented"][0]["path"] == "/BIG"


def test_ls_and_get(valid: Valid, disk: Path) -> None:
    assert len(valid("ls", disk)["files"]) == 13
    assert valid("ls", disk, "part1:/SUM.MOD", "--sha256")["files"][0]["sha256"]
    assert valid("get", disk, "stage2.kernel_lba", "mbr.code")["fields"]["stage2.kernel_lba"] == 9


def test_diff_patch_and_check(valid: Valid, bfimg: Run, disk: Path, tmp_path: Path, repository: Path) -> None:
    old = tmp_path / "old.img"
    subprocess.run(["cp", "--sparse=always", disk, old], check=True)
    assert valid("diff", old, disk)["same"] is True
    assert valid("check", disk)["clean"] is True
    assert bfimg("mv", disk, "part1:/SUM.MOD", "part1:/MOVED.MOD").code == 0
    assert bfimg("rm", disk, "part1:/PRIMES.MOD").code == 0
    assert bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc").code == 0
    assert bfimg("set", disk, "part1:/SHA256.MOD#version=7", "mbr.partitions[0].type=fat16").code == 0
    document = valid("diff", old, disk, "-o", tmp_path / "change.bfpatch", code=1)
    assert {change["kind"] for change in document["files"]} == {"added", "changed", "moved", "removed"}
    assert document["fields"] and document["regions"]
    assert valid("patch", old, tmp_path / "change.bfpatch", "-n")["diff"]["files"]
    data = bytearray(disk.read_bytes())
    data[(2048 + 1) * 512 + 4 : (2048 + 1) * 512 + 6] = b"\0\0"
    disk.write_bytes(data)
    assert valid("check", disk, code=4)["findings"]
    assert valid("check", disk, "--repair", code=1)["repairs"]


def test_module(valid: Valid, bfimg: Run, repository: Path, tmp_path: Path) -> None:
    sample, module = repository / "samples" / "sha256.bc", tmp_path / "x.bc"
    assert bfimg("module", "lower", sample, "-o", module).code == 0
    assert valid("module", "info", module)["program"]["functions"] == 2
    assert valid("module", "info", sample)["program"] is None
    native = tmp_path / "x.mod"
    native.write_bytes(native_module("x", b"\xc3"))
    assert valid("module", "info", native)["bitcode"] is None
