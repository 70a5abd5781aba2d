"""With --icount a run is the same to the byte, cycle counts included."""

import re


def masked(run):
    return re.sub(r'"nonce":"[0-9a-f]{32}"', '"nonce":""', run.report.transcript)


def test_two_runs_are_identical_but_for_the_nonce(disk, bfimg, boot_disk, repository):
    assert bfimg("add-module", "-i", disk, repository / "samples" / "sha256.bc").code == 0
    first, second = boot_disk(disk, icount=True), boot_disk(disk, icount=True)
    assert first.report.passed, first.report.reason
    assert first.only("boot")["nonce"] != second.only("boot")["nonce"]
    assert masked(first) == masked(second)

    cycles = {module.name: module.cycles for module in first.report.modules if module.kind == "native"}
    assert cycles == {module.name: module.cycles for module in second.report.modules if module.kind == "native"}
    assert len(cycles) == 12
    # The programs are made to take this many instructions: none was folded to a constant.
    assert all(10_000 < count < 5_000_000 for count in cycles.values()), cycles


def test_more_iterations_cost_that_many_times_the_cycles(boot_disk, kernel_disk, slave_volume, module_files, poke):
    text = b"iterations = 1\n"
    volume = slave_volume({"BAREFLOW.CFG": text, "SUM.MOD": module_files["sum"]})
    once = boot_disk(kernel_disk, slave=volume, icount=True).module("SUM.MOD")
    poke(volume, volume.read_bytes().index(text) + text.index(b"1"), b"8")
    often = boot_disk(kernel_disk, slave=volume, icount=True).module("SUM.MOD")
    assert (once["calls"], often["calls"]) == (1, 8)
    assert abs(often["cycles"] - 8 * once["cycles"]) <= 8
