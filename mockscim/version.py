"""The version, where everything may import it from."""

__version__ = "0.1.0"

# In every answer of the control API: how a command knows that it speaks to mockscim.
VERSION_HEADER = "Mockscim-Version"
