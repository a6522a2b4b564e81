"""Probes of orders: an app with many keeps them in a package, one module for each subject."""
