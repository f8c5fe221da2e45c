"""The surface "preview": a small page on this machine that looks and reads like the channel."""

from bot.delivery.preview.adminroutes import OperatorSide
from bot.delivery.preview.health import ask_health, ask_reload, page_address
from bot.delivery.preview.operation import Operation
from bot.delivery.preview.page import create_app
from bot.delivery.preview.serve import serve
from bot.delivery.preview.surface import Preview

__all__ = [
    "Operation",
    "OperatorSide",
    "Preview",
    "ask_health",
    "ask_reload",
    "create_app",
    "page_address",
    "serve",
]
