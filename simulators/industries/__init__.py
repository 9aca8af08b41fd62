"""The kinds of plant that the feeds play: one module for each, with the shapes of its loads and their source."""
