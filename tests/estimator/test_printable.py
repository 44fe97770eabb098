"""A message is one line whatever a file is called."""

from pathlib import Path

from estimator.printable import printable


def test_what_can_be_printed_stays_and_the_rest_is_marked() -> None:
    assert printable("a\nb\udcfc.json × 2 – „é“") == "a\ufffdb\ufffd.json × 2 – „é“"
    assert printable(Path("a\tb.json")) == "a\ufffdb.json"
