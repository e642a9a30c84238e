"""How good an answer is: checks, agreement and judges give evidence, a stated formula one probability."""
