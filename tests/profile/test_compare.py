"""Two profiles are compared by names, cycles by call."""

import copy

import pytest

from bfimg.profile import Change, compare, parse_profile


@pytest.fixture
def two(document, encode):
    """Function that compares the document with one that `change` made of it."""

    def run(change):
        other = copy.deepcopy(document)
        change(other)
        return compare(parse_profile(encode(document)), parse_profile(encode(other)))

    return run


def test_the_same_profile_has_ratio_one_everywhere(two):
    found = two(lambda document: None)
    assert found.same_kernel
    assert [(change.module, change.function) for change in found.changes] == [
        ("sum", None),
        ("tree", None),
        ("tree", "main"),
        ("tree", "leaf"),
        ("tree", "middle"),
    ]
    assert {change.ratio for change in found.changes} == {1.0}


def test_the_ratio_is_of_the_cycles_for_a_call(two):
    def change(document):
        document["build_id"] = "f" * 32
        document["modules"][0].update(calls=8)
        document["modules"][0]["cycles"]["total"] = 4000

    found = two(change)
    assert not found.same_kernel
    assert found.changes[0] == Change("sum", "native", None, 2, 8, 2000, 4000)
    assert found.changes[0].ratio == 0.5


def test_what_only_one_has_stands_there_alone(two):
    def change(document):
        document["modules"][0]["kind"] = "bitcode"
        document["modules"][1]["functions"][2]["name"] = "other"

    changes = two(change).changes
    assert changes[0] == Change("sum", "native", None, 2, None, 2000, None)
    assert changes[-1] == Change("sum", "bitcode", None, None, 2, None, 2000)
    assert changes[-2] == Change("tree", "native", "other", None, 2, None, 400)
    assert {change.ratio for change in (changes[0], changes[-1], changes[-2])} == {None}


def test_without_calls_or_cycles_there_is_no_ratio():
    assert Change("m", "native", None, 0, 1, 0, 5).ratio is None
    assert Change("m", "native", None, 1, 1, 0, 5).ratio is None
    assert Change("m", "native", None, 1, 0, 5, 0).ratio is None
    assert Change("m", "native", None, 1, 1, 5, 0).ratio == 0
