"""The parts of the executor ``processes``: what is here is no one else's."""
