"""How alembic runs a migration here: on the connection that `migrate.py` hands over, inside its
transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
