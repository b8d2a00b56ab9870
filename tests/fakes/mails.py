"""Mails as people's programs make them."""

from email.message import EmailMessage
from email.policy import SMTP


def written(
    text: str, sender: str, to: str, *, message_id: str = "", subject: str = "Re: Pointsman", **headers: str
) -> bytes:
    """A plain mail of a person; `headers` with "_" for "-"."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = f"Ada <{sender}>", to, subject
    if message_id:
        mail["Message-ID"] = f"<{message_id}>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()
