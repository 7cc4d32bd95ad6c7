"""The SCIM protocol itself: pure and synchronous (RFC 7643, RFC 7644)."""
