"""Uptime reports for places that keep opening hours."""

__version__ = "0.1.0"
