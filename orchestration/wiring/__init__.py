"""Settings and rows turned into live engine objects: the only composition point."""
