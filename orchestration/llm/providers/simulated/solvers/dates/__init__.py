"""Questions about the calendar."""
