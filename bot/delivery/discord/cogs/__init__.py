"""Commands that need more of Discord than a name and options: each cog gives the slash commands it adds."""
