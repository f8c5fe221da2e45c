"""Posts about the service and the week: outages, corrections, the weekly review, a reader's own watches."""
