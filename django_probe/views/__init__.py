"""``/probe/``: a running deployment asked over HTTP. No probe runs in the web process."""
