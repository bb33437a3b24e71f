"""Backups: one file, encrypted to public keys, with the database and a manifest.

A tar archive in the age format (https://age-encryption.org/v1): `age -d -i key.txt FILE | tar x`
opens it too. The secrets in it stay encrypted with FIELD_ENCRYPTION_KEY, without which nothing is
backed up or restored, as nobody could read it.
"""

import json
import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, TypeAlias

import pyrage
from cryptography.fernet import InvalidToken
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from encrypted_model_fields.fields import CRYPTER

from sequin_admin.core import clock
from sequin_admin.core.checks import known_migrations, list_wrong_columns
from sequin_admin.core.database_files import DumpFailed, count_rows, dump_database, load_database
from sequin_admin.core.words import count_words

Recipient: TypeAlias = pyrage.x25519.Recipient | pyrage.ssh.Recipient
Identity: TypeAlias = pyrage.x25519.Identity | pyrage.ssh.Identity
Tell: TypeAlias = Callable[[str], object]

MANIFEST, DATABASE = "manifest.json", "database"
CANARY = b"the key that opens this opens the backup"


class BackupRefused(Exception):
    """Nothing was backed up or restored. `str()` says why, and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `rows` counts those of each table; `canary` is encrypted as secrets are;
    `migrations` are `[app, name]` of those that were applied."""

    engine: str
    made_at: str
    migrations: list[list[str]]
    rows: dict[str, int]
    canary: str

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def make_backup(output: Path, recipients: Sequence[Recipient], tell: Tell) -> Manifest:
    """Write a backup while everything runs. The file is there when it is whole.

    Raises `BackupRefused`, and `OSError` for a folder that can't be written.
    """
    if wrong := list_wrong_columns():
        raise BackupRefused(
            f"No key in FIELD_ENCRYPTION_KEY opens {', '.join(wrong)}, so nobody could restore "
            "this. Put the key the database was written with back into FIELD_ENCRYPTION_KEY."
        )
    if output.exists():
        raise BackupRefused(f"{output} exists. Choose another name, or move it away.")
    with TemporaryDirectory(dir=output.parent, prefix=".backup-") as folder:
        database, archive = Path(folder, DATABASE), Path(folder, "archive.tar")
        tell("Copying the database...")
        manifest = describe(dump(database))
        Path(folder, MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
        with tarfile.open(archive, "w") as tar:
            for name in (MANIFEST, DATABASE):
                tar.add(Path(folder, name), name)
        database.unlink()
        tell(f"Encrypting {archive.stat().st_size / 1e6:,.1f} MB...")
        sealed = Path(folder, "sealed")
        with archive.open("rb") as plain, open_private(sealed) as out:
            pyrage.encrypt_io(plain, out, recipients)
        sealed.replace(output)
    return manifest


def describe(rows: dict[str, int]) -> Manifest:
    applied = MigrationRecorder(connection).applied_migrations()
    return Manifest(
        engine=connection.vendor,
        made_at=clock.now().isoformat(),
        migrations=sorted([app, name] for app, name in applied),
        rows=rows,
        canary=CRYPTER.encrypt(CANARY).decode(),
    )


def restore_backup(file: Path, identities: Sequence[Identity], tell: Tell) -> Manifest:
    """Fill the empty database of `DATABASE_URL`: wholly or not at all, also when it is killed.

    Raises `BackupRefused`, and `OSError` for a file that can't be read.
    """
    if connection.introspection.table_names():
        raise BackupRefused(
            "DATABASE_URL names a database with tables in it. A backup is restored into an empty "
            "one: make another, or move that away."
        )
    with TemporaryDirectory(dir=place_to_unpack(), prefix=".restore-") as folder:
        tell("Opening the backup...")
        manifest = unpack(file, identities, Path(folder))
        refuse_unusable(manifest)
        tell(f"Restoring {count_words(manifest.total, 'row')} of {manifest.made_at}...")
        try:
            load_database(Path(folder, DATABASE))
        except DumpFailed as failure:
            raise BackupRefused(f"Nothing was restored. {failure}") from None
    found = count_rows()
    if found != manifest.rows:
        tables = sorted(name for name, n in manifest.rows.items() if found.get(name) != n)
        raise BackupRefused(
            f"The rows of {', '.join(tables)} are not those of the backup. Don't use this database."
        )
    return manifest


def dump(path: Path) -> dict[str, int]:
    """Raises `BackupRefused`."""
    try:
        return dump_database(path)
    except DumpFailed as failure:
        raise BackupRefused(str(failure)) from None


def place_to_unpack() -> str | None:
    """Beside a database that is a file, which then takes its place at once."""
    name = Path(str(connection.settings_dict["NAME"]))
    return str(name.parent) if connection.vendor == "sqlite" else None


def unpack(file: Path, identities: Sequence[Identity], folder: Path) -> Manifest:
    """Decrypt the parts into the folder. Raises `BackupRefused`, and `OSError` for no such file."""
    archive = folder / "archive.tar"
    try:
        with file.open("rb") as sealed, open_private(archive) as out:
            pyrage.decrypt_io(sealed, out, identities)
        with tarfile.open(archive) as tar:
            for name in (MANIFEST, DATABASE):
                tar.extract(name, folder, filter="data")
        archive.unlink()
        return Manifest(**json.loads((folder / MANIFEST).read_text()))
    except (pyrage.DecryptError, tarfile.TarError, KeyError, ValueError, TypeError, OSError) as bad:
        # What pyrage finds damaged has no number.
        if isinstance(bad, OSError) and bad.errno:
            raise
        raise BackupRefused(
            f"The key does not open {file}, or the file is damaged or no backup. Nothing was "
            "restored."
        ) from None


def refuse_unusable(manifest: Manifest) -> None:
    """Raises `BackupRefused` for a backup that this installation could not use."""
    if manifest.engine != connection.vendor:
        raise BackupRefused(
            f"The backup is of {manifest.engine}, and DATABASE_URL names {connection.vendor}. "
            "Restore it into its own engine."
        )
    try:
        CRYPTER.decrypt(manifest.canary.encode())
    except InvalidToken:
        raise BackupRefused(
            "No key in FIELD_ENCRYPTION_KEY opens the secrets of this backup. Put in the key that "
            f"was the first one on {manifest.made_at}. Nothing was restored."
        ) from None
    if {(app, name) for app, name in manifest.migrations} - known_migrations():
        raise BackupRefused(
            "The backup is of a newer version of Sequin Admin. Restore it with that version. "
            "Nothing was restored."
        )


def open_private(path: Path) -> BinaryIO:
    """A new file that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def read_recipient(text: str) -> Recipient:
    """A public key, of age or SSH. Raises `BackupRefused`, without it: it may be a secret one."""
    try:
        kind = pyrage.ssh.Recipient if text.startswith("ssh-") else pyrage.x25519.Recipient
        return kind.from_str(text)
    except (pyrage.RecipientError, ValueError):
        raise BackupRefused(
            "--recipient takes a public key: age1..., from age-keygen, or ssh-ed25519 ..., from "
            "ssh-keygen."
        ) from None


def read_identities(file: Path) -> list[Identity]:
    """Private keys, from age-keygen or ssh-keygen. Raises `BackupRefused`."""
    try:
        data = file.read_bytes()
        if data.startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(data)]
        lines = [line for line in data.decode().split() if line.startswith("AGE-SECRET-KEY-")]
        return [pyrage.x25519.Identity.from_str(line) for line in lines]
    except (OSError, ValueError, pyrage.IdentityError):
        raise BackupRefused(
            f"{file} holds no private key of age or SSH that can be used."
        ) from None
