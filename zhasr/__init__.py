"""zhasr."""
