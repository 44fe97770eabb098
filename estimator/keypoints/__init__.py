"""2D keypoints of any known format, or in memory, to ``KeypointTrack``s in the canonical set."""

from .arrays import track_from_array
from .formats import AUTO, FORMATS, KeypointFormat, recognise_format
from .reading import read_keypoints

__all__ = ["AUTO", "FORMATS", "KeypointFormat", "read_keypoints", "recognise_format", "track_from_array"]
