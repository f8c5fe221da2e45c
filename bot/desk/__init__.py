"""What the bot does: read the market, poll it, send what was decided."""
