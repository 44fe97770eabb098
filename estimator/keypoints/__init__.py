"""Readers of 2D keypoint files: any known format to ``KeypointTrack``s in the canonical set."""

from .formats import AUTO, FORMATS, KeypointFormat, recognise_format
from .reading import read_keypoints

__all__ = ["AUTO", "FORMATS", "KeypointFormat", "read_keypoints", "recognise_format"]
