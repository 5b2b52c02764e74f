"""Drives a running system from outside, as people and other systems do: over HTTP and AMQP, through a whole wave."""
