"""Bytes side by side: every difference is found once, wherever holes are."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bfimg.diff.compare import WINDOW, Run, Tally, Touched, difference, runs, runs_within, stream_difference
from bfimg.image.journal import Extent
from bfimg.image.store import Store

SIZE = 2 * WINDOW + 5000
# Places around which runs are cut, joined, or meet the end.
PLACES = st.sampled_from([0, 4000, 4090, WINDOW - 100, WINDOW - 1, WINDOW, 2 * WINDOW - 70, SIZE - 200])
WRITES = st.lists(st.tuples(PLACES, st.integers(0, 150), st.binary(min_size=1, max_size=40)), max_size=12)


def blank(writes: list[tuple[int, int, bytes]], size: int = SIZE) -> Store:
    store = Store.blank(size)
    for place, shift, data in writes:
        offset = min(place + shift, size - 1)
        store.write(offset, data[: size - offset])
    return store


def slow_runs(old: bytes, new: bytes) -> list[tuple[int, int]]:
    """(start, end) by the definition: cut at windows, joined over fewer than 64 equal bytes."""
    found: list[tuple[int, int]] = []
    for place in range(min(len(old), len(new))):
        if old[place] != new[place]:
            last = found[-1] if found else None
            if last and place - last[1] < 64 and place // WINDOW == last[0] // WINDOW:
                found[-1] = (last[0], place + 1)
            else:
                found.append((place, place + 1))
    return found


@given(WRITES, WRITES)
def test_runs_are_those_a_loop_over_bytes_finds(
    left: list[tuple[int, int, bytes]], right: list[tuple[int, int, bytes]]
) -> None:
    old, new = blank(left), blank(right)
    before, after = old.read(0, SIZE), new.read(0, SIZE)
    found = list(runs(old, new))
    assert [(run.offset, run.end) for run in found] == slow_runs(before, after)
    assert all((run.old, run.new) == (before[run.offset : run.end], after[run.offset : run.end]) for run in found)


@given(WRITES, st.integers(1, SIZE))
def test_images_of_two_sizes_are_compared_as_far_as_both_reach(writes: list[tuple[int, int, bytes]], size: int) -> None:
    old, new = blank(writes), Store.blank(size)
    assert [(r.offset, r.end) for r in runs(old, new)] == slow_runs(old.read(0, SIZE), bytes(size))
    assert [(r.offset, r.end) for r in runs(new, old)] == slow_runs(bytes(size), old.read(0, SIZE))


def test_runs_do_not_depend_on_how_a_file_is_stored(tmp_path: Path) -> None:
    old, dense, sparse = tmp_path / "old", tmp_path / "dense", tmp_path / "sparse"
    contents = bytearray(8 << 20)
    for place in (0, 4096 * 7 - 5, 4 << 20, (8 << 20) - 1):
        contents[place : place + 9] = b"different"[: len(contents) - place]
    old.write_bytes(bytes(8 << 20))
    dense.write_bytes(contents)
    with sparse.open("wb") as stream:
        stream.truncate(8 << 20)
    with Store.open(sparse, write=True) as store:
        for place in (0, 4096 * 7 - 5, 4 << 20, (8 << 20) - 1):
            store.write(place, b"different"[: (8 << 20) - place])
        store.commit()
    assert sparse.stat().st_blocks < dense.stat().st_blocks
    with Store.open(old) as a, Store.open(dense) as b, Store.open(sparse) as c:
        found = list(runs(a, b))
        assert [run.offset for run in found] == [0, 4096 * 7 - 5, 4 << 20, (8 << 20) - 1]
        assert list(runs(a, c)) == found
        assert list(runs(b, c)) == []


def test_holes_in_both_are_never_read(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        with path.open("wb") as stream:
            stream.truncate(1 << 40)

    class Counting(Store):
        seen = 0

        def read(self, offset: int, length: int) -> bytes:
            self.seen += length
            return super().read(offset, length)

    with Counting.open(paths[0]) as a, Counting.open(paths[1], write=True) as b:
        b.write(1 << 39, b"x")
        assert [run.offset for run in runs(a, b)] == [1 << 39]
        assert a.seen == b.seen <= WINDOW


def test_only_the_extents_named_are_compared() -> None:
    old, new = Store.blank(SIZE), blank([(0, 0, b"a"), (WINDOW, 0, b"b")])
    assert list(runs_within(old, new, [Extent(WINDOW, 10), Extent(WINDOW + 5, 3)])) == [Run(WINDOW, b"\0", b"b")]


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_difference_counts_and_finds_the_first(old: bytes, new: bytes) -> None:
    places = [place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b]
    expected = len(places), places[0] if places else None
    assert difference(old, new) == expected
    cut_old = (old[i : i + 7] for i in range(0, len(old), 7))
    cut_new = (new[i : i + 4] for i in range(0, len(new), 4))
    assert stream_difference(cut_old, cut_new) == expected


@given(st.lists(st.tuples(st.integers(0, 40 * WINDOW), st.integers(1, WINDOW)), max_size=8))
def test_touched_never_misses_a_difference(ranges: list[tuple[int, int]]) -> None:
    touched = Touched()
    noted = []
    end = 0
    for start, size in sorted(ranges):
        if start >= end:
            end = start + size
            touched.add(start, end)
            noted.append((start, end))
    for start in range(0, 42 * WINDOW, WINDOW // 2):
        stop = start + WINDOW // 2
        near = any(a < stop + WINDOW and b > start - WINDOW for a, b in noted)
        if any(a < stop and b > start for a, b in noted):
            assert touched.hits(start, stop)
        elif not near:
            assert not touched.hits(start, stop)


def test_runs_that_touch_in_one_region_are_told_as_one() -> None:
    tally = Tally()
    for region, offset, size in [("a", 0, 4), ("a", 4, 2), ("b", 6, 1), ("b", 9, 1)]:
        tally.add(region, offset, bytes(size), b"\1" * size)
    contents = tally.result()
    assert [(r.region, r.offset, r.size, r.differing) for r in contents.runs] == [
        ("a", 0, 6, 6),
        ("b", 6, 1, 1),
        ("b", 9, 1, 1),
    ]
    assert (contents.run_count, contents.differing) == (3, 8)


def test_many_runs_are_counted_but_not_all_kept() -> None:
    tally = Tally()
    for number in range(10_100):
        tally.add("", number * 20, b"a", b"b")
    contents = tally.result()
    assert len(contents.runs) == 10_000
    assert (contents.run_count, contents.differing) == (10_100, 10_100)
    assert contents.runs[-1].offset == 9_999 * 20
