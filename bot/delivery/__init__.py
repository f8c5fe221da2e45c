"""Words out: one folder is one surface, and every surface shows every command."""
