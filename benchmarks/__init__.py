"""What Orchestra is measured by: one script a figure. `make bench` runs them all."""
