"""Text of others, such as names of files, in messages of one line."""

from __future__ import annotations

import os


def printable(text: str | os.PathLike[str]) -> str:
    """The same with marks for what can't be printed: line breaks, control characters, undecodable bytes."""
    text = os.fspath(text)
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
