"""Progress is for people who wait at a terminal."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from bfimg.cli.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("bfimg.cli.progress.time", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    # Not sys.stderr itself, which pytest sets anew between this fixture and the test.
    monkeypatch.setattr("bfimg.cli.progress.sys", SimpleNamespace(stderr=terminal))
    return terminal


def test_nothing_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with progress_bar("working") as progress:
        assert progress is None


def test_nothing_within_a_second(terminal: Terminal, clock: Clock) -> None:
    with progress_bar("working") as progress:
        assert progress is not None
        progress(1, 2)
        clock.now += 0.9
        progress(2, 2)
    assert terminal.getvalue() == ""


def test_a_line_that_grows_and_goes(terminal: Terminal, clock: Clock) -> None:
    with progress_bar("working") as progress:
        assert progress is not None
        clock.now += 1.5
        progress(1, 2)
        progress(2, 2)  # too soon after the last
        clock.now += 0.2
        progress(3, 0)
    erase = "\r\x1b[K"
    assert terminal.getvalue() == (
        f"{erase}working ###############...............  50%{erase}working ..............................   0%{erase}"
    )


def test_the_line_goes_when_the_work_fails(terminal: Terminal, clock: Clock) -> None:
    with pytest.raises(ValueError), progress_bar("working") as progress:
        assert progress is not None
        clock.now += 2
        progress(1, 1)
        raise ValueError
    assert terminal.getvalue().endswith("100%\r\x1b[K")
