"""What the tests of the pages need: a browser, and an experiment that has givers."""
