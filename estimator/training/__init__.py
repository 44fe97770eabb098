"""Training of the generator: capture, re-fit, synthetic detections, objectives, the loop."""
