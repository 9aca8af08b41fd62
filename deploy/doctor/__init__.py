"""The checks of `carbonwatch doctor`: each looks at the real thing, and says how to mend what is wrong."""
