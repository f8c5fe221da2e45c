"""Tightrope: reads the crypto-derivatives market between the lines, and says so in plain words."""

__version__ = "0.1.0"
