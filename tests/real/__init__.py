"""Real input, end to end: skipped where the bundles are not on the machine."""
