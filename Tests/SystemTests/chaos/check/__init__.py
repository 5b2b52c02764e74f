"""Compares what was acknowledged during a run with what stands in every schema. Nothing here is shared with the
services: it knows their tables, the wire contract and the arithmetic of the published rules, and may only read."""
