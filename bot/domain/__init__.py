"""Words of the trade: frozen values that every room shares. Standard library only (numpy in chain.py)."""
