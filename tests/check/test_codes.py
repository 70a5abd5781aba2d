"""The table of codes: its page is current, and every code is shown by a test."""

from __future__ import annotations

import re
from pathlib import Path

from bfimg.check.codes import CODES
from bfimg.check.document import codes_page


def test_the_page_is_current(repository: Path) -> None:
    committed = (repository / "docs" / "check.md").read_text(encoding="utf-8")
    assert committed == codes_page(), "run: bfimg check --codes > docs/check.md"


def test_the_page_has_every_code() -> None:
    page = codes_page()
    for code in CODES.values():
        assert page.count(f"| `{code.code}` |") == 1


def test_every_code_is_shown_by_a_test(repository: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (repository / "tests" / "check").glob("*.py"))
    assert set(CODES) - set(re.findall(r"[A-Z]{2,3}\d{3}", text)) == set()


def test_codes_say_what_to_do() -> None:
    for name, code in CODES.items():
        assert re.fullmatch(r"(BF|FAT|MOD|JIT)[1-9]\d\d", name) and name == code.code
        assert code.reason.endswith(".") and not code.remedy.endswith(".")
        assert "|" not in code.title + code.reason + code.remedy
        assert code.repairable or "--repair" not in code.remedy
