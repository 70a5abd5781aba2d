"""Stacks and flame graph show each cycle once, in its place, whatever the names are."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.profile import CallNode, FunctionProfile, ModuleProfile, Statistics, flame_svg, folded, parse_profile

SVG = "{http://www.w3.org/2000/svg}"
NOTHING = Statistics(0, 0, 0, 0, 0, 0)


@pytest.fixture
def modules(document, encode):
    return parse_profile(encode(document)).modules


def bars(svg: str) -> list[tuple[str, float, float, float]]:
    """(title, x, y, width) of each bar."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        (rect,) = group.findall(f"{SVG}rect")
        (title,) = group.findall(f"{SVG}title")
        found.append((title.text, *(float(rect.get(key)) for key in ("x", "y", "width"))))
    return found


def test_stacks_are_lines_from_the_outside_in(modules):
    assert list(folded(modules)) == [
        "sum 2000",
        "tree;main 500",
        "tree;main;middle 100",
        "tree;main;middle;leaf 100",
        "tree;main;leaf 300",
    ]


def test_bars_are_as_wide_as_their_share_and_stand_on_their_callers(modules):
    drawn = bars(flame_svg(modules, "title"))
    assert [bar[0] for bar in drawn] == [
        "sum, 2 calls, 2,000 cycles (66.67%)",
        "tree, 1 call, 1,000 cycles (33.33%), 0 of its own",
        "tree: main, 1 call, 1,000 cycles (33.33%), 500 of its own",
        "tree: middle, 1 call, 200 cycles (6.67%), 100 of its own",
        "tree: leaf, 1 call, 100 cycles (3.33%)",
        "tree: leaf, 1 call, 300 cycles (10.00%)",
    ]
    assert [bar[3] for bar in drawn] == [800, 400, 400, 80, 40, 120]
    assert [bar[1] for bar in drawn] == [10, 810, 810, 810, 810, 890]
    assert [drawn[0][2] - bar[2] for bar in drawn] == [0, 0, 18, 36, 54, 36]


def test_the_same_profile_gives_the_same_picture_and_a_name_one_colour(modules):
    svg = flame_svg(modules, "title")
    assert svg == flame_svg(modules, "title")
    colours = re.findall(r'rx="1" fill="(#[0-9a-f]{6})"', svg)
    assert colours[4] == colours[5] != colours[2]


def test_names_are_shown_as_far_as_they_fit(modules):
    texts = [text.text for text in ElementTree.fromstring(flame_svg(modules, "t")).iter(f"{SVG}text")][2:]
    assert texts == ["sum", "tree", "main", "middle", "leaf", "leaf"]
    narrow = [named("x" * 3000), named("hot_function", 1)]
    texts = [text.text for text in ElementTree.fromstring(flame_svg(narrow, "t")).iter(f"{SVG}text")][2:]
    assert len(texts) == 1 and texts[0].endswith("x…") and 100 < len(texts[0]) < 200


def test_bars_too_narrow_to_be_seen_are_left_out():
    assert len(bars(flame_svg([named("a", 11_999), named("b", 1), named("c", 0)], "t"))) == 2
    assert len(bars(flame_svg([named("a", 120_000), named("b", 1)], "t"))) == 1


def test_nothing_measured_is_a_picture_too():
    assert bars(flame_svg([], "t")) == bars(flame_svg([named("a", 0)], "t")) == []
    assert list(folded([named("a", 0)])) == []


def test_a_name_with_the_separator_stays_one_frame():
    assert list(folded([named("a;b\nc d", 5)])) == ["a:b?c d 5"]


@given(st.text(), st.text())
def test_any_name_gives_xml_without_anything_active(module, title):
    svg = flame_svg([named(module, 10)], title)
    root = ElementTree.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "title", "rect", "text", "g"}
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "") or "http" in module + title


@st.composite
def trees(draw) -> ModuleProfile:
    nodes: list[CallNode] = []
    for index in range(draw(st.integers(1, 30))):
        parent = draw(st.none() | st.integers(0, index - 1)) if index else None
        nodes.append(CallNode(parent, draw(st.integers(0, 3)), 1, draw(st.integers(0, 1 << 40))))
    functions = tuple(FunctionProfile(name, 0, 0, NOTHING) for name in "abcd")
    return named("m", 0, functions=functions, nodes=tuple(nodes))


@given(st.lists(trees(), max_size=3))
def test_no_cycle_is_lost_or_shown_twice(modules):
    expected = sum(node.self_cycles for module in modules for node in module.nodes)
    assert sum(int(line.rpartition(" ")[2]) for line in folded(modules)) == expected
    drawn = bars(flame_svg(modules, "t"))
    assert f"{expected:,} cycles;" in flame_svg(modules, "t")
    for _, x, y, width in drawn:
        assert x >= 10 and x + width <= 1210.02
        below = [bar for bar in drawn if bar[2] == y + 18]
        assert not below or any(bar[1] - 0.02 <= x and x + width <= bar[1] + bar[3] + 0.02 for bar in below)
    for level in {bar[2] for bar in drawn}:
        row = sorted(bar[1:4:2] for bar in drawn if bar[2] == level)
        assert all(x + width <= after + 0.02 for (x, width), (after, _) in pairwise(row))


def named(name: str, total: int = 1000, **fields: object) -> ModuleProfile:
    """A module that took `total` cycles."""
    values: dict[str, object] = dict.fromkeys(("functions", "nodes", "edges"), ()) | fields
    cycles = Statistics(1, total, total, total, total, 0)
    return ModuleProfile(
        name, "", "disk", "native", "passed", None, 0, calls=1, cycles=cycles, dropped_calls=0, **values
    )
