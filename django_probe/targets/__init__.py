"""Where probes run: one file per kind."""
