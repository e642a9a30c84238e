"""Final answers: how they are extracted, compared, grouped and voted on."""
