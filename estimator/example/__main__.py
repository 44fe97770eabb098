"""``python -m estimator.example FOLDER`` writes the example there."""

import argparse
from pathlib import Path

from .files import write_example

parser = argparse.ArgumentParser(
    prog="python -m estimator.example", description="Write the embedded example."
)
parser.add_argument("folder", type=Path, help="where to; made if need be")
parser.add_argument("--seed", type=int, default=0, help="of the detector's faults")
arguments = parser.parse_args()
files = write_example(arguments.folder, arguments.seed)
print(f"{files.keypoints}\n{files.truth}")
