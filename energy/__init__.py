"""The language of the whole: what is measured, where, when, and what it means; imports nothing of ours."""
