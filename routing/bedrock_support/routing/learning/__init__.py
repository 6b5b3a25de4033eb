"""Learning what may be expected of a route from what it did."""
