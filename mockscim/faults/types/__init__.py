"""The fault types, one file each, which bears the name of its type. A new one is found; its ``@fault`` registers it."""

import pkgutil

NAMES = frozenset(module.name for module in pkgutil.iter_modules(__path__))
