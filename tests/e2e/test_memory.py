"""Heap and pools on the machine."""

from bfimg.formats.memory_map import memory_region


def test_heap_and_pools_stand_where_the_memory_map_says_and_work(disk, boot_disk):
    run = boot_disk(disk)
    heap, *pools = (memory_region(name) for name in ("heap", "jit_code", "jit_data", "jit_metadata"))
    assert run.only("memory") == {
        "event": "memory", "heap_start": heap.start, "heap_size": heap.size,
        **{f"{pool.name[4:]}_start": pool.start for pool in pools},
        **{f"{pool.name[4:]}_size": pool.size for pool in pools},
        "self_test": "passed",
    }  # fmt: skip
    assert "heap 256 KiB, JIT pools code 32 KiB, data 32 KiB, metadata 16 KiB" in run.report.transcript


def test_pools_that_do_not_work_end_the_run_with_the_reason(start_machine, build_changed, repository):
    source = "memory/setup.c"
    text = (repository / "kernel" / source).read_text()
    call = "const char *problem = pools_self_test();"
    assert call in text
    changed = text.replace(call, f"pool_allocate(POOL_DATA, 1, 1);\n    {call}")
    running = start_machine(build_changed({source: changed}))
    assert running.wait_for("fault")[0]["reason"] == "the JIT pools do not work"
    assert running.events("memory")[0]["self_test"] == "a pool is in use"
    assert not running.events("done")
