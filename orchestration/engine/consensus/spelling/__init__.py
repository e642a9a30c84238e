"""How one answer can be spelled, one file for each kind: all spellings become one key."""
