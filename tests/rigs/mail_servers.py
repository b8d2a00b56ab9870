"""Real mail servers with two mailboxes: postfix takes mails, dovecot holds them; both want TLS and a login."""

import imaplib
import os
import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.programs import needed
from tests.waiting import wait_until

DOMAIN, PASSWORD = "example.org", "letmein"

_DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
log_path = {folder}/dovecot.log
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service auth {{
  inet_listener {{
    port = {auth}
  }}
}}
"""
_POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.test
mydestination =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ada@{domain}=ada@{domain}/, pointsman@{domain}=pointsman@{domain}/}}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
recipient_delimiter = +
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
"""
_SERVICES = """
127.0.0.1:{smtp} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class MailServers:
    """Running; `settings` let Pointsman use them."""

    def __init__(self, folder: Path, smtp: int, imap: int) -> None:
        self._folder, self._smtp, self._imap = folder, smtp, imap
        self.ca = folder / "cert.pem"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "POINTSMAN_MAIL_ADDRESS": f"pointsman@{DOMAIN}",
            "POINTSMAN_MAIL_SMTP": f"smtp://localhost:{self._smtp}",
            "POINTSMAN_MAIL_IMAP": f"imap://localhost:{self._imap}",
            "POINTSMAN_MAIL_PASSWORD": PASSWORD,
            "POINTSMAN_MAIL_CA": str(self.ca),
            "ALLOWED_MAIL_ADDRESSES": f"ada@{DOMAIN}",
        }

    def mailbox(self, person: str) -> list[EmailMessage]:
        """What somebody has got, as their mail program fetches it."""
        imap = imaplib.IMAP4("localhost", self._imap, timeout=30)
        imap.starttls(self._trusting())
        imap.login(f"{person}@{DOMAIN}", PASSWORD)
        try:
            imap.select("INBOX", readonly=True)
            uids = imap.uid("SEARCH", "ALL")[1][0].split()
            raw = [imap.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1] for uid in uids]
        finally:
            imap.logout()
        return [each for each in (message_from_bytes(one, policy=policy.default) for one in raw) if _is_mail(each)]

    def flags(self, person: str) -> list[str]:
        """Of each mail that somebody has got."""
        imap = imaplib.IMAP4("localhost", self._imap, timeout=30)
        imap.starttls(self._trusting())
        imap.login(f"{person}@{DOMAIN}", PASSWORD)
        try:
            imap.select("INBOX", readonly=True)
            return [str(each) for each in imap.fetch("1:*", "(FLAGS)")[1] if each]
        finally:
            imap.logout()

    def send(self, person: str, to: str, mail: bytes) -> None:
        """Somebody sends a mail."""
        with smtplib.SMTP("localhost", self._smtp, timeout=30) as smtp:
            smtp.starttls(context=self._trusting())
            smtp.login(f"{person}@{DOMAIN}", PASSWORD)
            smtp.sendmail(f"{person}@{DOMAIN}", [to], mail)

    def log(self) -> str:
        return "".join(each.read_text() for each in self._folder.glob("*.log"))

    def _trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))


@contextmanager
def mail_servers(folder: Path) -> Iterator[MailServers]:
    """Both servers for the time of a block. Skips the test where they are not here, or may not be started."""
    needed("dovecot", "postfix", "openssl")
    if os.geteuid() != 0:
        pytest.skip("only root starts mail servers that have accounts of their own")
    ports = {name: free_port() for name in ("smtp", "imap", "auth")}
    _write(folder, ports)
    dovecot = subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")])
    try:
        # It says why not; and gives itself ten seconds, which on a busy machine may be too few.
        wait_until(lambda: subprocess.run(["postfix", "-c", str(folder / "etc"), "start"], timeout=60).returncode == 0)
        for port in ports.values():
            wait_until(lambda port=port: _listens(port))  # type: ignore[misc]
        yield MailServers(folder, ports["smtp"], ports["imap"])
    finally:
        subprocess.run(["postfix", "-c", str(folder / "etc"), "stop"], capture_output=True, timeout=60)
        dovecot.terminate()
        dovecot.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, ports: dict[str, int]) -> None:
    for name in ("mail", "run", "queue", "data", "etc"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "mail").chmod(0o777)
    shutil.chown(folder / "data", "postfix")
    about = {"folder": folder, "domain": DOMAIN, "password": PASSWORD, **ports}
    (folder / "dovecot.conf").write_text(_DOVECOT.format(**about))
    (folder / "etc" / "main.cf").write_text(_POSTFIX.format(**about))
    (folder / "etc" / "master.cf").write_text(_SERVICES.format(**about))
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(made, check=True, capture_output=True, timeout=60)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def _is_mail(message: object) -> bool:
    return isinstance(message, EmailMessage)
