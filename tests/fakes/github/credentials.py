"""Who calls: the App by its JWT, or an installation of it by a token: good for an hour, and perhaps narrowed."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from functools import cache

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.github.world import NOT_BY_INTEGRATION, NOT_FOUND, ApiError, Json, Repository, User, World, stamp

TOKEN_S = 3600.0
LONGEST_JWT_S = 600
_SKEW_S = 60
PERMISSIONS = {
    "issues": "write",
    "pull_requests": "write",
    "checks": "write",
    "contents": "read",
    "metadata": "read",
}


@dataclass(slots=True)
class Installation:
    id: int
    account: User
    repositories: set[int]
    permissions: dict[str, str]
    suspended: bool = False


@dataclass(slots=True)
class App:
    """Our App as it is registered."""

    id: int
    slug: str
    key: rsa.RSAPrivateKey
    bot: User
    webhook_secret: str
    hook_url: str = ""
    events: list[str] = field(default_factory=list)
    installations: dict[int, Installation] = field(default_factory=dict)

    @property
    def pem(self) -> str:
        """As people download it: PKCS#1."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()


@dataclass(slots=True)
class Token:
    value: str
    installation: Installation
    permissions: dict[str, str]
    repositories: set[int]
    expires_at: float
    lag: int  # so many requests do not know it yet


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was authenticated: the App itself where there is no token."""

    app: App
    token: Token | None = None

    def reaches(self, repository: Repository) -> bool:
        return self.token is None or repository.id in self.token.repositories

    def needs(self, permission: str, level: str) -> None:
        """Raises ApiError where the token was not given this."""
        given = self.token.permissions.get(permission, "") if self.token else ""
        if given != level and given != "write":
            raise ApiError(403, NOT_BY_INTEGRATION)


class Credentials:
    """Checks what a call shows, and mints tokens."""

    def __init__(self, world: World, app: App) -> None:
        self._world, self.app = world, app
        self.tokens: dict[str, Token] = {}
        self.people: dict[str, User] = {}  # by their personal tokens, which are good for git
        self.minted = 0
        self.lag = 0  # of the next tokens
        self.stateless = True  # the long form

    def caller(self, authorization: str) -> Caller:
        """Raises ApiError."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() not in ("bearer", "token") or not value:
            raise ApiError(401, "Requires authentication")
        if value in self.tokens:
            return Caller(self.app, self.good(self.tokens[value]))
        if value.startswith(("ghs_", "ghp_")) or value.count(".") != 2:
            raise ApiError(401, "Bad credentials")
        self._check_jwt(value)
        return Caller(self.app)

    def mint(self, installation: Installation, asked: Json, wanted_form: str) -> Json:
        """A token of an installation, as access_tokens answers. Raises ApiError."""
        if installation.suspended:
            raise ApiError(403, "This installation has been suspended")
        repositories = set(asked.get("repository_ids") or installation.repositories)
        permissions = dict(asked.get("permissions") or installation.permissions)
        too_much = any(
            name not in installation.permissions or (level == "write" and installation.permissions[name] != "write")
            for name, level in permissions.items()
        )
        if not repositories <= installation.repositories or too_much:
            raise ApiError(422, "The permissions or repositories requested are not granted to this installation.")
        stateless = {"enabled": True, "disabled": False}.get(wanted_form, self.stateless)
        value, now = self._value(stateless=stateless), self._world.clock.now()
        permissions.setdefault("metadata", "read")
        token = Token(value, installation, permissions, repositories, now + TOKEN_S, self.lag)
        self.tokens[value] = token
        self.minted += 1
        return {
            "token": value,
            "expires_at": stamp(token.expires_at),
            "permissions": permissions,
            "repository_selection": "selected" if asked.get("repository_ids") else "all",
        }

    def _value(self, *, stateless: bool) -> str:
        if not stateless:
            return f"ghs_{secrets.token_hex(18)}"
        parts = (base64.urlsafe_b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (27, 260, 96))
        return f"ghs_{self.app.id}_{'.'.join(parts)}"

    def personal(self, user: User) -> str:
        """A token that somebody made for themselves, with which their git comes."""
        made = f"ghp_{secrets.token_hex(18)}"
        self.people[made] = user
        return made

    def good(self, token: Token) -> Token:
        """It, if it is good now. Raises ApiError."""
        if token.lag > 0:
            token.lag -= 1
            raise ApiError(401, "Bad credentials")
        gone = self.app.installations.get(token.installation.id) is not token.installation
        if gone or self._world.clock.now() >= token.expires_at:
            raise ApiError(401, "Bad credentials")
        if token.installation.suspended:
            raise ApiError(403, "This installation has been suspended")
        return token

    def _check_jwt(self, value: str) -> None:
        now = self._world.clock.now()
        try:
            options = {"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_nbf": False}
            claims = jwt.decode(value, self.app.key.public_key(), algorithms=["RS256"], options=options)
        except (jwt.PyJWTError, json.JSONDecodeError):
            raise ApiError(401, "A JSON web token could not be decoded") from None
        if str(claims.get("iss")) != str(self.app.id):
            raise ApiError(401, "'Issuer' claim ('iss') must be an Integer")
        if not now < claims.get("exp", 0):
            raise ApiError(401, "'Expiration time' claim ('exp') must be a numeric value in the future")
        if claims["exp"] - now > LONGEST_JWT_S:
            raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
        if claims.get("iat", now) > now + _SKEW_S:
            raise ApiError(401, "'Issued at' claim ('iat') must be an Integer representing the time in the past")

    def installation(self, installation_id: int) -> Installation:
        found = self.app.installations.get(installation_id)
        if found is None:
            raise ApiError(404, NOT_FOUND)
        return found


def new_app(world: World, slug: str, webhook_secret: str) -> App:
    """Register one."""
    bot = world.add_user(f"{slug}[bot]", "Bot")
    return App(world.new_id(), slug, _key(), bot, webhook_secret)


@cache
def _key() -> rsa.RSAPrivateKey:
    """Made once a process: that takes longer than most tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
