"""A certificate authority for one machine, which issues a certificate for a name (RFC 5280)."""

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFE, LIFE = timedelta(days=3650), timedelta(days=90)
TITLE = "Sequin Admin simulator CA"


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


class Authority:
    """The CA in a folder, made at first use: `ca.pem` to trust, and `ca.key`, which is private."""

    def __init__(self, folder: Path) -> None:
        self.certificate_path, self.key_path = folder / "ca.pem", folder / "ca.key"
        if not (self.certificate_path.exists() and self.key_path.exists()):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._create()

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.key_path.unlink(missing_ok=True)
        handle = os.open(self.key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem_of(key))
        unsigned = certificate_builder(TITLE, key, CA_LIFE).issuer_name(named(TITLE))
        unsigned = unsigned.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        signed = unsigned.sign(key, hashes.SHA256())
        self.certificate_path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """Raises `ValueError` for a key that is not ours."""
        key = serialization.load_pem_private_key(self.key_path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{self.key_path} holds no key of ours. Delete it, and start again.")
        return key

    @cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate_path.read_bytes())

    def issue(self, name: str) -> bytes:
        """A new key and certificate for a name or an address, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = certificate_builder(name, key, LIFE).issuer_name(self.certificate.subject)
        of_ca = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        names = x509.SubjectAlternativeName([alternative_name(name)])
        for extension in (of_ca, usage, names):
            builder = builder.add_extension(extension, critical=False)
        signed = builder.sign(self.key, hashes.SHA256())
        return pem_of(key) + signed.public_bytes(serialization.Encoding.PEM)

    def context(self, name: str) -> ssl.SSLContext:
        """For a server of this name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            path = Path(folder, "certificate.pem")
            path.write_bytes(self.issue(name))
            context.load_cert_chain(path)
        return context


def certificate_builder(
    name: str, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    public, now = key.public_key(), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(named(name)).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + life)
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    return builder.add_extension(identifier, critical=False)


def alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
