"""The one-time import of the old world's users and profiles."""
