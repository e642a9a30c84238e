"""What marks a final answer in a text, one file for each kind of mark: `read(text)` yields what it marks."""
