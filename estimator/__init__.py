"""Kinelift's estimator: the 2D keypoints of one video to global 3D human motion.

Data flows one way: keypoint file → ``KeypointTrack`` → camera rays → generator → ``Motion``. Units are
metres, radians and seconds; the world is Z up with the ground at z = 0; cameras are OpenCV's (x right,
y down, z forward). Nothing here imports bpy. ``estimate`` is all of it in one call; README.md has an example.
"""

__version__ = "0.1.0"
