"""Alembic's entry: runs the steps on the connection that it is handed."""

from alembic import context

from energy.books.tables import META

context.configure(
    connection=context.config.attributes["connection"], target_metadata=META, render_as_batch=True, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
