import json
import os
import pty
import shlex
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from processes import PATIENCE, TOKEN, Server, command, environment, run

from mockscim.remote import Remote, RemoteError
from mockscim.tls import SELF_SIGNED, TlsError, prepared

LOOPS = pytest.mark.parametrize("loop", ["", "1"], ids=["uvloop", "asyncio"])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates and keys of a CA of one's own, good and bad, by name."""
    folder = tmp_path_factory.mktemp("files")
    authority = trustme.CA().create_child_ca()
    leaf, other = authority.issue_cert("localhost", "127.0.0.1"), authority.issue_cert("localhost")
    rsa = authority.issue_cert("localhost", key_type=trustme.KeyType.RSA)
    certificate, key = b"".join(pem.bytes() for pem in leaf.cert_chain_pems), leaf.private_key_pem.bytes()
    locked = serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    contents = {
        "ca": authority.parent_cert.cert_pem.bytes(),
        "cert": certificate,
        "key": key,
        "both": "Gärtner\n".encode() + key + certificate,
        "other-key": other.private_key_pem.bytes(),
        "rsa-key": rsa.private_key_pem.bytes(),
        "locked-key": locked,
        "half-cert": certificate[:200] + b"\n-----END CERTIFICATE-----\n",
        "half-key": key[:100] + b"\n-----END EC PRIVATE KEY-----\n",
        "der-cert": ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode()),
        "empty": b"",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def trusting(ca):
    """A client's context that trusts one CA and nothing else, as strict as Python 3.13 makes it."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def client(server, ca=None):
    """An httpx client of a server, with its token."""
    return httpx.Client(
        base_url=server.base_url,
        headers={"Authorization": f"Bearer {server.ready['token']}"},
        verify=trusting(ca or server.ready["ca"]),
        timeout=PATIENCE,
        trust_env=False,
    )


def wrapped(server, name="localhost", context=None):
    """A TLS connection that was greeted, and says nothing yet."""
    plain = socket.create_connection(server.address, timeout=PATIENCE)
    return (context or trusting(server.ready["ca"])).wrap_socket(plain, server_hostname=name)


def head(server, path, method="GET", *lines):
    """A request without a body, as it goes over the wire."""
    first = (f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {server.ready['token']}")
    return "\r\n".join((*first, *lines, "", "")).encode()


def entries(http, server):
    """The journal."""
    return http.get(f"{server.ready['admin_url']}/journal").json()["items"]


# -- a certificate made for the run --------------------------------------------------------------------------------


@LOOPS
def test_self_signed_is_all_https(loop):
    """The ready line's addresses are https and its CA makes them trusted; every location says https as well."""
    with Server("--tls", SELF_SIGNED, "--fixture", "small", MOCKSCIM_NO_UVLOOP=loop) as server, client(server) as http:
        _, port = server.address
        assert server.ready["base_url"] == f"https://127.0.0.1:{port}/scim/v2"
        assert server.ready["admin_url"] == f"https://127.0.0.1:{port}/_mockscim"
        group = http.get("/Groups/g-1").json()
        assert group["meta"]["location"] == f"{server.base_url}/Groups/g-1"
        assert all(member["$ref"].startswith(f"{server.base_url}/Users/") for member in group["members"])
        made = http.post("/Users", json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann"})
        assert made.status_code == 201
        assert made.headers["Location"] == made.json()["meta"]["location"]
        assert made.headers["Location"].startswith(f"{server.base_url}/Users/")
        assert http.get(server.ready["admin_url"] + "/health").json()["status"] == "ok"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(server.base_url, verify=ssl.create_default_context(), trust_env=False)


def test_the_ca_is_private_without_keys_and_gone_at_the_end():
    """Only the CA's certificate is left on disk, in a folder of the user's alone, and until the stop."""
    with Server("--tls", SELF_SIGNED) as server:
        path = Path(server.ready["ca"])
        assert path.is_absolute()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert list(path.parent.iterdir()) == [path]
        assert path.read_text().count("-----BEGIN") == path.read_text().count("-----BEGIN CERTIFICATE-----") == 1
        assert server.stop() == (0, "")
        assert not path.parent.exists()


def test_the_certificate_covers_every_name_the_options_give():
    """Loopback, --host, --allow-host and the host of --base-url are covered, and nothing else."""
    options = (
        "--allow-host",
        "mock.test:8443",
        "--allow-host",
        "[fd00::1]",
        "--base-url",
        "https://Scim.Example.com/p",
    )
    with Server("--tls", SELF_SIGNED, "--host", "127.0.0.2", *options) as server:
        assert server.address[0] == "127.0.0.2"
        names = ("localhost", "127.0.0.1", "::1", "127.0.0.2", "mock.test", "fd00::1", "scim.example.com")
        for name in names:
            with wrapped(server, name) as greeted:
                assert greeted.version() == "TLSv1.3"
        for name in ("127.0.0.3", "example.com", "www.mock.test"):
            with pytest.raises(ssl.SSLCertVerificationError, match="certificate is not valid for"):
                wrapped(server, name)


def test_a_name_that_no_certificate_can_hold_is_warned_of():
    """An underscore is no reason not to serve the other names; a wildcard names nobody."""
    with Server(
        *("--tls", SELF_SIGNED, "--host", "0.0.0.0", "--token", TOKEN, "--admin-token", "guard"),  # noqa: S104
        *("--allow-host", "mock_scim", "--allow-host", "mock.test"),
    ) as server:
        with wrapped(server, "mock.test"):
            pass
        code, error = server.stop()
    assert code == 0
    assert error == "mockscim: WARNING: the certificate does not cover what cannot stand in one: mock_scim\n"


def test_tls_is_1_2_or_newer():
    """Both of today's versions are spoken; anything older is not."""
    with prepared(SELF_SIGNED, []) as tls:
        assert tls.context.minimum_version == ssl.TLSVersion.TLSv1_2
    with Server("--tls", SELF_SIGNED) as server:
        for version, text in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            context = trusting(server.ready["ca"])
            context.minimum_version = context.maximum_version = version
            with wrapped(server, context=context) as greeted:
                assert greeted.version() == text


def test_a_missing_library_is_said(tmp_path):
    """Without trustme the line says what to install, and that files do as well."""
    (tmp_path / "trustme.py").write_text("raise ImportError")
    path = os.pathsep.join((str(tmp_path), environment()["PYTHONPATH"]))
    result = run("serve", "--port", "0", "--tls", SELF_SIGNED, PYTHONPATH=path)
    assert (result.returncode, result.stdout) == (2, "")
    hint = "pip install 'mockscim[tls]', or give CERT,KEY"
    assert result.stderr == (f"mockscim: error: --tls: self-signed needs trustme, which is not installed: {hint}\n")


def test_a_banner_names_the_ca():
    """On a terminal the CA's path is said, and the command to try makes curl trust it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("serve", "--port", "0", "--token", TOKEN, "--fixture", "small", "--tls", SELF_SIGNED),
        env=environment(),
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    text = b""
    while b"/Users" not in text:
        text += os.read(ours, 4096)
    facts = dict(line.split(None, 1) for line in text.decode().replace("base URL", "base").splitlines()[1:])
    ca = facts["CA"].strip()
    assert facts["base"].startswith("https://127.0.0.1:")
    assert facts["control"].startswith("https://127.0.0.1:")
    assert shlex.split(facts["try"])[:3] == ["curl", "--cacert", ca]
    assert Path(ca).exists()
    if shutil.which("curl"):
        tried = subprocess.run(facts["try"], shell=True, capture_output=True, timeout=PATIENCE)  # noqa: S602
        assert json.loads(tried.stdout)["totalResults"] == 5
    process.terminate()
    assert process.wait(PATIENCE) == 0
    os.close(ours)
    assert not Path(ca).exists()


# -- a certificate of one's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [("cert", "key"), ("both", "both")])
def test_files_of_ones_own(files, pair):
    """A certificate with its chain, and its key: two files or one, named in the environment; no CA is published."""
    given = ",".join(str(files / name) for name in pair)
    with Server(MOCKSCIM_SERVE_TLS=given) as server, client(server, files / "ca") as http:
        assert "ca" not in server.ready
        assert server.base_url.startswith("https://127.0.0.1:")
        assert http.get("/Users").json()["totalResults"] == 0


def test_a_tilde_is_the_home_folder_in_both_paths(files, monkeypatch):
    """A shell expands the first of them only."""
    monkeypatch.setenv("HOME", str(files))
    with prepared("~/cert,~/key", []) as tls:
        assert tls.ca is None


@pytest.mark.parametrize(
    ("given", "blamed", "text"),
    [
        ("cert,nowhere", "nowhere", "No such file or directory"),
        ("nowhere,key", "nowhere", "No such file or directory"),
        (".,key", ".", "Is a directory"),
        ("cert,.", ".", "Is a directory"),
        ("cert,other-key", "other-key", "the key is not that of the certificate"),
        ("cert,rsa-key", "rsa-key", "the key is not that of the certificate"),
        ("cert,locked-key", "locked-key", "the key is encrypted; decrypt it first"),
        ("cert,half-key", "half-key", "the private key in it cannot be read"),
        ("cert,empty", "empty", "there is no private key in PEM form in it"),
        ("cert,cert", "cert", "there is no private key in PEM form in it; the key is the second"),
        ("key,cert", "key", "there is no certificate in PEM form in it; the certificate is the first"),
        ("der-cert,key", "der-cert", "there is no certificate in PEM form in it"),
        ("half-cert,key", "half-cert", "the certificate in it cannot be read"),
    ],
)
def test_a_bad_file_is_named(files, monkeypatch, given, blamed, text):
    """Whatever is wrong with one of the two, the line names that file and what is wrong with it."""
    monkeypatch.chdir(files)
    with pytest.raises(TlsError) as caught, prepared(given, []):
        pass
    assert str(caught.value).startswith(f"{blamed}: {text}")


@pytest.mark.parametrize("given", ["", "cert", "cert,", ",key", "cert,key,more", "Self-Signed"])
def test_what_is_neither_is_said(files, monkeypatch, given):
    """What is not ``self-signed`` is two paths with a comma between."""
    monkeypatch.chdir(files)
    expected = r"^self-signed or CERT,KEY \(two PEM files\) was expected, not '"
    with pytest.raises(TlsError, match=expected), prepared(given, []):
        pass


def test_a_bad_file_is_wrong_usage(files):
    """The process ends with 2 and one line that names option and file; nothing was listened on."""
    key = files / "other-key"
    result = run("serve", "--port", "0", "--tls", f"{files / 'cert'},{key}")
    assert (result.returncode, result.stdout) == (2, "")
    expected = f"--tls: {key}: the key is not that of the certificate {files / 'cert'}"
    assert result.stderr == f"mockscim: error: {expected}\n"


# -- faults --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["", "1"], ids=["uvloop", "asyncio"])
def running(request):
    """A server whose every operation goes wrong in its own way, on either event loop."""
    rules = {
        "user.get": "reset",
        "user.delete": "reset:1:after",
        "user.list": "drop",
        "group.list": "truncate(0.5)",
        "group.get": "drip(100, total=300ms)",
        "group.delete": "hang",
        "discovery.get": "hang(300ms)",
    }
    arguments = [word for rule in rules.items() for word in ("--fault", "=".join(rule))]
    with Server("--tls", SELF_SIGNED, "--fixture", "small", *arguments, MOCKSCIM_NO_UVLOOP=request.param) as server:
        yield server


@pytest.fixture
def faulty(running):
    """The same, at its start."""
    with client(running) as http:
        assert http.post(f"{running.ready['admin_url']}/reset").is_success
    return running


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_reset_is_a_tcp_reset(faulty, method):
    """The connection below TLS is reset, before the commit as after it: no goodbye of TLS, and RST instead of FIN."""
    greeted = wrapped(faulty)
    greeted.sendall(head(faulty, "/scim/v2/Users/u-1", method))
    # Python's ssl takes a reset for an end; the socket below does not.
    with socket.socket(fileno=greeted.detach()) as below:
        below.settimeout(PATIENCE)
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: below.recv(4096), b""))  # the session's tickets come first
    with client(faulty) as http:
        assert entries(http, faulty)[0]["committed"] is (method == "DELETE")


def test_drop_ends_without_an_answer(faulty):
    """The client sees TLS's own goodbye, and nothing before it."""
    context = trusting(faulty.ready["ca"])
    plain = socket.create_connection(faulty.address, timeout=PATIENCE)
    with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as greeted:
        greeted.sendall(head(faulty, "/scim/v2/Users"))
        assert greeted.recv(4096) == b""  # without the goodbye this would raise
    with client(faulty) as http, pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.get("/Users")


def test_truncate_ends_in_the_middle(faulty):
    """Half of the body arrives, of the length that was announced."""
    with client(faulty) as http, pytest.raises(httpx.RemoteProtocolError, match="without sending complete") as caught:
        http.get("/Groups")
    assert "received 626 bytes, expected 1252" in str(caught.value)


def test_drip_arrives_in_portions(faulty):
    """The body comes whole, bit by bit, and takes its time."""
    with client(faulty) as http:
        begun = time.monotonic()
        with http.stream("GET", "/Groups/g-1") as answer:
            portions = list(answer.iter_raw())
        assert time.monotonic() - begun >= 0.3
        assert len(portions) > 3
        assert json.loads(b"".join(portions))["id"] == "g-1"


def test_hang_ends_without_an_answer_or_with_the_client(faulty):
    """A hang of some time ends in nothing; one for ever ends when the client leaves, which the journal tells."""
    with client(faulty) as http:
        begun = time.monotonic()
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            http.get("/ServiceProviderConfig")
        assert time.monotonic() - begun >= 0.3
        with pytest.raises(httpx.ReadTimeout):
            http.delete("/Groups/g-1", timeout=0.3)
        end = time.monotonic() + PATIENCE
        while len(found := entries(http, faulty)) < 2:
            assert time.monotonic() < end
        assert [entry["client_gone"] for entry in found] == [False, True]


@LOOPS
def test_an_answer_larger_than_any_buffer_comes_whole(tmp_path, loop):
    """Also where the connection is closed behind it and the client is in no hurry."""
    path = tmp_path / "large.json"
    path.write_text(json.dumps({"users": [{"userName": f"u{n}", "displayName": "x" * 9000} for n in range(1000)]}))
    with Server("--tls", SELF_SIGNED, "--fixture", str(path), MOCKSCIM_NO_UVLOOP=loop) as server:
        with wrapped(server) as greeted:
            greeted.sendall(head(server, "/scim/v2/Users?count=1000", "GET", "Connection: close"))
            time.sleep(0.3)
            received = b""
            while chunk := greeted.recv(65536):
                received += chunk
        assert len(received) > 9_000_000
        assert len(json.loads(received.partition(b"\r\n\r\n")[2])["Resources"]) == 1000


# -- what is no TLS, and the end -----------------------------------------------------------------------------------


@LOOPS
def test_plain_http_is_no_failure(loop):
    """What does not speak TLS is hung up on, in silence, and the next client is served."""
    with Server("--tls", SELF_SIGNED, "--log", "text", MOCKSCIM_NO_UVLOOP=loop) as server:
        for sent in (b"GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x02\x01\x00", b""):
            with socket.create_connection(server.address, timeout=PATIENCE) as plain:
                plain.sendall(sent)
                plain.shutdown(socket.SHUT_WR)
                assert not plain.recv(4096).startswith(b"HTTP")
        with pytest.raises(ssl.SSLCertVerificationError):  # a client that does not trust it leaves with an alert
            wrapped(server, context=ssl.create_default_context())
        with client(server) as http:
            assert http.get("/Users").status_code == 200
        code, error = server.stop()
    assert code == 0
    assert error.splitlines()[0].startswith("GET /Users 200 ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(("number", "loop"), [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGTERM, "1")])
def test_connections_do_not_hold_up_the_end(number, loop):
    """Idle connections, one in the middle of its greeting and one that hangs: it stops within a second, in silence."""
    with Server("--tls", SELF_SIGNED, "--fault", "user.list=hang", MOCKSCIM_NO_UVLOOP=loop) as server:
        hanging = wrapped(server)
        hanging.sendall(head(server, "/scim/v2/Users"))
        with client(server) as http:
            while not http.get(f"{server.ready['admin_url']}/faults").json()["items"][0]["hits"]:
                pass
            idle = [wrapped(server), wrapped(server), socket.create_connection(server.address)]
            begun = time.monotonic()
            assert server.stop(number) == (0, "")
            assert time.monotonic() - begun < 1.0
        assert not Path(server.ready["ca"]).exists()
        for each in (hanging, *idle):
            each.close()


# -- commands that speak to a server -------------------------------------------------------------------------------


def test_commands_trust_what_they_are_told():
    """The CA is an option, MOCKSCIM_CA or SSL_CERT_FILE; without one, the line says how to name it."""
    with Server("--tls", SELF_SIGNED, "--fixture", "small") as server:
        ca, url = server.ready["ca"], {"MOCKSCIM_URL": server.base_url}
        with client(server) as http:
            http.get("/Users/u-1")
        told = run("journal", "--ca", ca, **url)
        assert (told.returncode, told.stderr) == (0, "")
        assert "/Users/u-1" in told.stdout
        assert run("reset", MOCKSCIM_CA=ca, **url).returncode == 0
        assert run("faults", "list", "--url", server.root, SSL_CERT_FILE=ca).returncode == 0
        untrusted = run("reset", **url)
        assert (untrusted.returncode, untrusted.stdout) == (2, "")
        hint = "name the CA to trust with --ca or MOCKSCIM_CA"
        assert untrusted.stderr.startswith(f"mockscim: error: {server.root} is not trusted: ")
        assert untrusted.stderr.endswith(f"; {hint}\n")


@pytest.mark.parametrize(("name", "text"), [("nowhere", "No such file or directory"), ("empty", "no certificates in")])
def test_a_bad_ca_is_named(files, name, text):
    """A CA file that cannot be used is wrong usage."""
    path = files / name
    result = run("reset", "--url", "https://127.0.0.1:1", "--ca", str(path))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"mockscim: error: --ca: {path}: {text}")


def test_the_wrong_scheme_is_hinted_at():
    """Who takes one scheme for the other is told of the other."""
    with Server("--tls", SELF_SIGNED) as server, pytest.raises(RemoteError, match="speaks TLS, name it with https://"):
        Remote(server.root.replace("https", "http")).raw("GET", "/health")
    with Server() as server, pytest.raises(RemoteError, match="does not speak TLS, name it with http://"):
        Remote(server.root.replace("http", "https")).raw("GET", "/health")
