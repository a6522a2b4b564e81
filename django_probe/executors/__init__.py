"""How probes run in one place: one file per kind."""
