"""TLS for ``mockscim serve --tls``: a certificate made for this run, or one of the user's own.

A made certificate is signed by a CA that lives as long as the process: only the CA's certificate is left where clients
can be pointed at it, and both keys stay in memory.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

SELF_SIGNED = "self-signed"
# What every made certificate is good for, whatever the server listens at.
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")
_EXPECTED = f"{SELF_SIGNED} or CERT,KEY (two PEM files) was expected"
_CERTIFICATE = re.compile(
    r"-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----\s[A-Za-z0-9+/=\s]*-----END \1-----", re.ASCII
)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
# A key of another kind than the certificate's is said to have no certificate at all.
_MISMATCHES = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})


@contextmanager
def no_authorities() -> Iterator[None]:
    """Read none of the machine's certificate authorities meanwhile.

    aiohttp reads all of them when it is imported, for a client that a serving process never makes: a tenth of a start.
    """
    read = ssl.SSLContext.load_default_certs
    ssl.SSLContext.load_default_certs = lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        ssl.SSLContext.load_default_certs = read  # type: ignore[method-assign]


class TlsError(ValueError):
    """A certificate that cannot be made or used; the text is one line that names the file."""


class Tls(NamedTuple):
    """What to serve with.

    Attributes:
        context: the server's side, TLS 1.2 or newer.
        ca: a PEM file that makes clients trust it; None where the certificate is the user's own.
        uncovered: names that could not be put into a made certificate.
    """

    context: ssl.SSLContext
    ca: Path | None
    uncovered: tuple[str, ...] = ()


@contextmanager
def prepared(given: str, names: Iterable[str]) -> Iterator[Tls]:
    """What ``--tls`` asks for, for as long as the server runs; a made CA file is gone afterwards.

    Args:
        given: ``self-signed``, or the paths of a certificate (its chain behind it) and of its key, joined by a comma.
        names: hosts that a made certificate is good for, beside those of loopback.

    Raises:
        TlsError: as it says.
    """
    if given == SELF_SIGNED:
        with tempfile.TemporaryDirectory(prefix="mockscim-tls-") as directory:
            yield _self_signed(Path(directory), names)
        return
    certificate, comma, key = given.partition(",")
    if not (certificate and comma and key) or "," in key:
        raise TlsError(f"{_EXPECTED}, not {given!r}")
    # A shell expands the tilde of the first path only.
    yield Tls(_of_files(Path(certificate).expanduser(), Path(key).expanduser()), None)


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


# -- made for this run ---------------------------------------------------------------------------------------------


def _self_signed(directory: Path, names: Iterable[str]) -> Tls:
    try:
        import trustme  # noqa: PLC0415 - an extra, and its cryptography takes a while
    except ImportError:
        how = "pip install 'mockscim[tls]', or give CERT,KEY"
        raise TlsError(f"{SELF_SIGNED} needs trustme, which is not installed: {how}") from None
    authority = trustme.CA(organization_name="mockscim", organization_unit_name="Made for one run of mockscim serve")
    covered: list[str] = list(_OWN_NAMES)
    uncovered = []
    for name in dict.fromkeys(filter(None, map(_identity, names))):
        if name in covered:
            continue
        try:
            authority.issue_cert(name)
        except ValueError:  # such as an underscore, which DNS knows and host names do not
            uncovered.append(name)
        else:
            covered.append(name)
    leaf = authority.issue_cert(*covered, common_name="mockscim", organization_name="mockscim")
    context = _context()
    # ssl reads keys from files alone: for that moment it is in the private directory, readable by the owner.
    with leaf.private_key_and_cert_chain_pem.tempfile(dir=str(directory)) as path:
        context.load_cert_chain(path)
    ca = directory / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    return Tls(context, ca, tuple(uncovered))


def _identity(host: str) -> str | None:
    """A host as a certificate names it; None for a wildcard, which names none."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])  # a zone means nothing to anybody else
    except ValueError:
        return host.lower()
    return None if address.is_unspecified else str(address)


# -- the user's own ------------------------------------------------------------------------------------------------


def _of_files(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context with a certificate and key that were looked at one by one, so that it is said which one is at fault."""
    _check_certificate(certificate)
    if not _PRIVATE_KEY.search(_text(key)):
        raise TlsError(f"{key}: there is no private key in PEM form in it; the key is the second of CERT,KEY")

    def password() -> str:
        raise TlsError(f"{key}: the key is encrypted; decrypt it first, for example with openssl pkey -in … -out …")

    context = _context()
    try:
        context.load_cert_chain(certificate, key, password)
    except ssl.SSLError as error:
        if error.reason in _MISMATCHES:
            raise TlsError(f"{key}: the key is not that of the certificate {certificate}") from None
        if error.reason is not None:  # OpenSSL has its own ideas of how strong one must be
            reason = error.reason.lower().replace("_", " ")
            raise TlsError(f"{certificate}, {key}: they cannot be used: {reason}") from None
        raise TlsError(f"{key}: the private key in it cannot be read") from None
    return context


def _check_certificate(path: Path) -> None:
    found = [match.group() for match in _CERTIFICATE.finditer(_text(path))]
    if not found:
        raise TlsError(f"{path}: there is no certificate in PEM form in it; the certificate is the first of CERT,KEY")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata="\n".join(found))
    except ssl.SSLError:
        raise TlsError(f"{path}: the certificate in it cannot be read") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("latin-1")  # between the PEM blocks may stand anything
    except OSError as error:
        raise TlsError(f"{path}: {error.strerror or error}") from None
