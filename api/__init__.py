"""The HTTP edge: checks who asks, validates, starts or updates a workflow, and reads."""
