"""A TLS receiver of syslog written from RFC 5425, and certificates for it and for rsyslog."""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """PEM files: an authority, and the certificate and key of a server at 127.0.0.1."""

    authority: Path
    server: Path
    key: Path

    @classmethod
    def made_in(cls, folder: Path) -> Self:
        """Return new ones, valid for a day, in *folder*."""
        authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        alone = x509.BasicConstraints(ca=False, path_length=None)
        authority = _certificate(name, authority_key, name, authority_key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        server = _certificate(name, server_key, name, authority_key, "127.0.0.1").add_extension(
            alone, critical=True
        )
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        server = server.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        for path, builder in ((made.authority, authority), (made.server, server)):
            signed = builder.sign(authority_key, hashes.SHA256())
            path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            server_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return made


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    common_name: str = "",
) -> x509.CertificateBuilder:
    if common_name:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def frames(data: bytes) -> list[bytes]:
    """Return the messages of *data* by octet counting (RFC 5425, 4.3); fail on anything else."""
    messages = []
    while data:
        length, _, rest = data.partition(b" ")
        assert length.isdigit() and not length.startswith(b"0"), data[:40]
        assert len(rest) >= int(length), "a message is incomplete"
        messages.append(rest[: int(length)])
        data = rest[int(length) :]
    return messages


@dataclass
class SyslogServer:
    """A running receiver; while `resets`, connections are reset once they sent something.

    With `demands_certificate` it refuses clients without one.
    """

    certificates: Certificates
    demands_certificate: bool = False
    resets: int = 0
    messages: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificates.server, self.certificates.key)
        if self.demands_certificate:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(self.certificates.authority)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stopping = True
        self._thread.join()
        self._socket.close()

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self._socket.getsockname()[1])

    def _serve(self) -> None:
        while not self._stopping:
            with contextlib.suppress(TimeoutError, OSError):
                plain, _ = self._socket.accept()
                plain.settimeout(5)
                with self._context.wrap_socket(plain, server_side=True) as stream:
                    self._take(stream)

    def _take(self, stream: ssl.SSLSocket) -> None:
        data = stream.recv(65_536)
        if self.resets:
            self.resets -= 1
            stream.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
            )
            return
        with contextlib.suppress(ssl.SSLEOFError):
            while more := stream.recv(65_536):
                data += more
        self.messages += frames(data)
