"""How the books' tables came to be, step by step, up and down."""
