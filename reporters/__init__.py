"""Reporters: one file for each way of showing a run."""
