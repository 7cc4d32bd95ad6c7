"""The functions, by kind. Importing this package registers them all.

What Microsoft's reference says of a function is not marked; what it leaves open is, by "Guess:".
"""

from mockscim.provisioning.expressions.functions import chance, dates, logic, roles, strings

__all__ = ["chance", "dates", "logic", "roles", "strings"]
