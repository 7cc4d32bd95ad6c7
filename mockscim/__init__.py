"""mockscim: a lightweight asynchronous SCIM 2.0 mock server."""

__version__ = "0.1.0"

__all__ = ["__version__"]
