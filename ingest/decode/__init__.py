"""Wire dialects: one decoder per module, all to the same `Message`."""
