"""Reproduce, compare and audit anomaly detection in medical images."""

__version__ = "0.1.0"
