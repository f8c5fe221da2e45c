"""The running program: what builds, starts, schedules, watches and stops it."""
