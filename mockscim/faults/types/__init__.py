"""The fault types, one file each. A new file is found by itself; its ``@fault`` line registers it."""

import importlib
import pkgutil

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
