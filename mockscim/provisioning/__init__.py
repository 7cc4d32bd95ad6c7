"""Simulated identity providers: the clients that provision users and groups into a SCIM server.

Everything here is a plan: pure, told the time, and driven by whoever brings the connection.
"""
