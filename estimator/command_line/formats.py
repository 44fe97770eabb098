"""``python -m estimator formats``: the keypoint formats that can be read."""

from __future__ import annotations

import argparse

from ..keypoints import AUTO, FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command has none."""


def run(args: argparse.Namespace) -> int:
    """Prints each format's name, title and what identifies it."""
    width = max(len(known.name) for known in FORMATS)
    print(f"{AUTO:{width}}  the format is recognised from the content (default)")
    for known in FORMATS:
        print(f"{known.name:{width}}  {known.title}: {known.identified_by}")
    return 0
