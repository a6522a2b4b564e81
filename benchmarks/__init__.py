"""What a run of probes costs: ``python -m benchmarks`` measures it against its peers."""
