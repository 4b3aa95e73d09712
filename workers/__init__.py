"""Worker pools: which queue runs what, and the process that runs them."""
