"""Use cases: a session (or a snapshot) and values in, plain dataclasses out."""
