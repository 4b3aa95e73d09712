"""What a settlement pays, as people and accountants read it: JSON, CSV, PDF."""
