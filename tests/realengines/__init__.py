"""All rules, all samples and the traps in the real engines, with the matrix for the docs."""
