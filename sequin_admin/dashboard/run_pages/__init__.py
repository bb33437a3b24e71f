"""What pages show of runs: states in words, progress, charts, and their live parts."""
