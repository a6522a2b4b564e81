"""The shop as a whole: settings, addresses, and probes of what it stands on."""
