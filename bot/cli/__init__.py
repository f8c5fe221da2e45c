"""Arguments and terminal; nothing else."""
