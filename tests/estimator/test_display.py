"""Progress on a terminal and in a log."""

import io

import pytest

from estimator import display as module
from estimator.display import Display


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_on_a_terminal_one_line_is_overwritten_and_messages_stay(clock: list[float]) -> None:
    stream = Terminal()
    display = Display(stream)
    for percent in range(3):
        clock[0] += 1
        display.update(f"{percent} %")
    display.say("note: done")
    assert stream.getvalue() == "\r\x1b[K0 %\r\x1b[K1 %\r\x1b[K2 %\r\x1b[Knote: done\n"


def test_a_line_too_long_for_the_terminal_does_not_wrap(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    display = Display(stream)
    clock[0] += 1
    display.update("x" * 50)
    assert stream.getvalue() == "\r\x1b[K" + "x" * 19


def test_in_a_log_there_are_plain_lines_and_few(clock: list[float]) -> None:
    stream = io.StringIO()
    display = Display(stream)
    for second in range(25):
        clock[0] += 1
        display.update(f"{second} s")
    display.say("done")
    display.clear()
    assert stream.getvalue() == "9 s\n19 s\ndone\n"
