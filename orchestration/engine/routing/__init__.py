"""Types of task, the classification of requests by them, and model profiles for each."""
