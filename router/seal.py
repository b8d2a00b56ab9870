"""A key beside the database, for what is sealed in it: who has the database or a backup alone cannot open that."""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from router.secret_file import write_durably


class Seal:
    """Its key is made at the first use, for its owner alone. It is in no backup."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fernet: Fernet | None = None

    def close(self, secret: bytes) -> str:
        """The secret as it may lie in a table."""
        return self._with_key().encrypt(secret).decode()

    def open(self, sealed: str) -> bytes | None:
        """The secret again; None where it was sealed with another key."""
        try:
            return self._with_key().decrypt(sealed.encode())
        except InvalidToken:
            return None

    def _with_key(self) -> Fernet:
        if self._fernet is None:
            self._fernet = Fernet(self._read() or self._make())
        return self._fernet

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    def _make(self) -> bytes:
        key = Fernet.generate_key()
        write_durably(self._path, key)  # cut short, it would make everything sealed with it unreadable
        return key
