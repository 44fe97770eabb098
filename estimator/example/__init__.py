"""The embedded example: a procedural person walks up, turns around, turns back and waves, and is filmed.

Kinelift ships no recordings of people, so the demo and several tests use this one: ``walk`` plans path,
footsteps and poses, ``detector`` films them and marks noisy 2D keypoints, ``write_example`` saves those as
OpenPose would. ``python -m estimator.example FOLDER`` does that from the command line.
"""

from .detector import example_motion
from .files import ExampleFiles, write_example

__all__ = ["ExampleFiles", "example_motion", "write_example"]
