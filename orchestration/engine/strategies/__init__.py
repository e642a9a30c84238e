"""Ways to turn a request and a panel into an outcome, one module each."""
