"""Finding root causes: readers of measurements, detectors of shifts, and the walk along dependencies."""
