"""How the service is set up, and what of it would be unsafe."""

import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_detector.errors import DetectorError
from keras_detector.printable import printable

TOKEN_VARIABLE = "KERAS_DETECTOR_TOKEN"  # noqa: S105  # where it is found, not what it is
"""The environment variable that may hold the token."""

MIN_TOKEN = 16
"""Letters of the shortest token: what is shorter can be guessed."""

MAX_BATCH = 32
"""Pictures of one request."""

MAX_HEAD = 16_384
"""Bytes of a request's address and headers together."""

LOOPBACK_NAMES = frozenset(["localhost", "127.0.0.1", "[::1]"])
"""Names that only this machine has for itself; no stranger's web site can bear one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service is set up.

    Attributes:
        token: what a request must bring as `Authorization: Bearer`; None asks for none.
        allowed_hosts: names, in lower case and without a port, under which it may be asked.
        max_upload: bytes of a request's body, at most.
        queue: requests that may wait, or be on their way in, beside those being judged.
        timeout: seconds that a client may take to send a request or to fetch the answer, and that
            the answer may take.
    """

    token: str | None
    allowed_hosts: frozenset[str]
    max_upload: int = 20_000_000
    queue: int = 16
    timeout: float = 30.0


def read_token(file: Path | None) -> str | None:
    """The token, from a file or, without one, from the environment; None where neither is.

    Raises:
        DetectorError: there is a token, but none that protects anything.
    """
    if file is None:
        token, place = os.environ.get(TOKEN_VARIABLE), TOKEN_VARIABLE
    else:
        place = printable(file)
        try:
            token = file.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not plain text"
            raise _bad_token(f"{place}: {reason}") from error
    if token is None:
        return None
    token = token.strip()
    if not re.fullmatch(rf"[\x21-\x7e]{{{MIN_TOKEN},}}", token):
        raise _bad_token(f"{place} with {len(token)} letters, or with other ones")
    return token


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, not listening yet.

    Raises:
        DetectorError: the name is unknown, or the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        # Named by its protocol: asyncio makes no other socket send small answers without delay.
        bound = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere it would let two programs have one address
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except (OSError, UnicodeError, OverflowError) as error:
        raise DetectorError(
            expected="an address to listen on",
            received=f"{printable(host)}, port {port}: {getattr(error, 'strerror', None) or error}",
            advice="Choose another --host or --port; --port 0 takes one that is free.",
        ) from error
    return bound


def names_allowed(
    bound: socket.socket, host: str, named: Sequence[str], *, token: bool
) -> frozenset[str]:
    """The names under which the service may be asked.

    A web site could otherwise give its own name this machine's address, and its visitors' browsers
    would ask us on its behalf (DNS rebinding).

    Args:
        bound: the socket that will listen.
        host: what it was bound to, as the user wrote it.
        named: the names that the user allows besides.
        token: whether a token is asked for.

    Raises:
        DetectorError: strangers could ask without a token, or nobody could ask at all.
    """
    address = ipaddress.ip_address(bound.getsockname()[0].partition("%")[0])
    if not address.is_loopback and not token:
        raise DetectorError(
            expected=f"a token where other machines can ask ({printable(host)})",
            received="none",
            advice=f"Name a file with --token-file, or set {TOKEN_VARIABLE}; "
            "without --host only this machine can ask.",
        )
    if address.is_unspecified and not named:
        raise DetectorError(
            expected="the names under which other machines ask",
            received=f"the host {printable(host)}, which is every address of this machine",
            advice="Name each, for example with --allowed-host pictures.example.org.",
        )
    own = frozenset() if address.is_unspecified else {host, str(address)}
    return LOOPBACK_NAMES | {host_name(_bracketed(name)) for name in (*own, *named)}


def address_of(bound: socket.socket, host: str) -> str:
    """Where the service can be asked from this machine, for people and programs to open.

    Args:
        bound: the socket that listens.
        host: what it was bound to, as the user wrote it.
    """
    address, port = bound.getsockname()[:2]
    everywhere = ipaddress.ip_address(address.partition("%")[0]).is_unspecified
    return f"http://{'localhost' if everywhere else _bracketed(host)}:{port}"


def host_name(host: str) -> str:
    """The name in a `Host` header: in lower case, without port and final dot."""
    name = re.sub(r":\d*$", "", host.strip().lower())
    return name.removesuffix(".")


def _bracketed(name: str) -> str:
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name


def _bad_token(received: str) -> DetectorError:
    return DetectorError(
        expected=f"a token of {MIN_TOKEN} or more printable ASCII letters without spaces",
        received=received,
        advice="Make one, for example with: openssl rand -hex 32",
    )
