"""Generated documents in docs/ are those the definitions give now."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from bfimg.codegen.layout_svg import layout_svg
from bfimg.codegen.pattern_reference import pattern_reference
from bfimg.codegen.reference import reference
from bfimg.formats import catalogue
from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op


def test_reference_page_is_current(repository: Path) -> None:
    committed = (repository / "docs" / "formats.md").read_text(encoding="utf-8")
    assert committed == reference(), "run: bfimg formats doc > docs/formats.md"


def test_reference_page_has_every_field() -> None:
    page = reference()
    for module in catalogue.MODULES:
        for structure in catalogue.structures(module):
            for spec in structure.FIELDS:
                assert f"| `{spec.name}` | {spec.meaning} |" in page


def test_page_of_pattern_programs_is_current_and_complete(repository: Path) -> None:
    committed = (repository / "docs" / "pattern-programs.md").read_text(encoding="utf-8")
    assert committed == pattern_reference(), "run: bfimg formats ops > docs/pattern-programs.md"
    assert all(f"| `{op.mnemonic}` |" in committed for op in Op)
    assert all(f"| {helper.name} |" in committed for helper in Helper)


def test_picture_is_current_and_well_formed(repository: Path) -> None:
    committed = (repository / "docs" / "disk-layout.svg").read_text(encoding="utf-8")
    assert committed == layout_svg(), "run: bfimg formats svg > docs/disk-layout.svg"
    assert ElementTree.fromstring(committed).tag.endswith("svg")
