"""What kind of task a request is, and which model suits it."""
