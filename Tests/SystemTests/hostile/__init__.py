"""A publisher that sends whatever it can think of, and its neighbour, who must not notice."""
