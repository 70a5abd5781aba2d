"""Modules in directories and under long names; directories that are damaged or nested too deep."""

import subprocess

import pytest

from bfimg.fat.volume import FatVolume
from bfimg.formats.fat_directory import DirectoryEntry
from bfimg.image.store import Store


@pytest.fixture
def tree(slave_volume, tmp_path):
    """``tree({"LIB/my module.mod": data})``: a slave volume with these files, directories made by mmd."""

    def make(files):
        volume = slave_volume({})
        for path, data in files.items():
            parents = path.split("/")[:-1]
            for depth in range(len(parents)):
                subprocess.run(
                    ["mmd", "-D", "s", "-i", volume, "::" + "/".join(parents[: depth + 1])],
                    capture_output=True,
                    stdin=subprocess.DEVNULL,
                    check=False,  # there already
                )
            (tmp_path / "content").write_bytes(data)
            subprocess.run(["mcopy", "-i", volume, tmp_path / "content", f"::{path}"], check=True)
        return volume

    return make


def test_modules_are_found_in_directories_and_shown_by_their_long_names(
    tree, boot_disk, kernel_disk, module_files, programs
):
    names = {"sum": "LIB/my module.mod", "primes": "LIB/Deeper down/PRIMES.MOD", "sha256": "sha two.Mod"}
    volume = tree({path: module_files[name] for name, path in names.items()} | {"LIB/notes.txt": b"notes"})
    run = boot_disk(kernel_disk, slave=volume)
    assert run.report.passed, run.report.reason
    found = {event["name"]: (event["file"], event["answer"]) for event in run.events("module")}
    assert found == {name: (f"/{path}", programs[name].answer) for name, path in names.items()}
    assert {(event["path"], event["size"]) for event in run.events("file")} == {
        ("/LIB/notes.txt", 5),
        *((f"/{path}", len(module_files[name])) for name, path in names.items()),
    }
    assert run.events("volume")[1]["files"] == 4


def test_directory_nested_too_deep_is_reported_and_the_rest_runs(tree, boot_disk, kernel_disk, module_files):
    eight = "/".join("12345678")
    files = {f"{eight}/SUM.MOD": module_files["sum"], f"{eight}/9/PRIMES.MOD": module_files["primes"]}
    run = boot_disk(kernel_disk, slave=tree(files))
    assert run.report.exit_value == "FAILED"
    assert [event["file"] for event in run.events("module")] == [f"/{eight}/SUM.MOD"]
    problem = run.events("volume")[-1]
    assert (problem["path"], problem["problem"]) == (f"/{eight}/9", "directories are nested too deep")
    assert run.only("done")["invalid"] == 1


def test_directory_that_contains_its_parent_is_reported_and_the_rest_runs(
    tree, boot_disk, kernel_disk, module_files, poke
):
    volume = tree({"OUTER/INNER/SUM.MOD": module_files["sum"], "PRIMES.MOD": module_files["primes"]})
    with Store.open(volume) as store:
        outer = FatVolume(store).find("/OUTER").item.first_cluster
    at = volume.read_bytes().index(b"INNER      ") + DirectoryEntry.offset_of("first_cluster_low")
    poke(volume, at, outer.to_bytes(2, "little"))
    run = boot_disk(kernel_disk, slave=volume)
    assert run.report.exit_value == "FAILED"
    assert [event["file"] for event in run.events("module")] == ["/PRIMES.MOD"]
    problem = run.events("volume")[-1]
    assert (problem["path"], problem["problem"]) == (
        "/OUTER/INNER",
        "a directory that was read already stands here again",
    )


def test_more_modules_than_the_registry_holds_are_named(
    tree, boot_disk, kernel_disk, slave_volume, make_native, tmp_path
):
    files = {
        f"M{number}.MOD": make_native(b"\xc3", name=f"m{number}".encode().ljust(32, b"\0")) for number in range(514)
    }
    files["BAREFLOW.CFG"] = b"modules = m0"
    run = boot_disk(kernel_disk, slave=slave_volume(files, options=["-r", "1024"]))
    full = [event["file"] for event in run.events("module") if event.get("reason") == "no room in the registry"]
    assert full == ["/M512.MOD", "/M513.MOD"]
    assert run.module("M0.MOD")["status"] == "unchecked"
    assert run.report.exit_value == "FAILED"
