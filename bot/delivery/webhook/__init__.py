"""The surface "webhook": posts go out to addresses that Discord or Slack gave for a channel. No bot, no token, no answers."""
