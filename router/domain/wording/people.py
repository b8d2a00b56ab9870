"""What is said of who is let in, and what they are told who may not do something."""

from router.domain.person import Deed, Person, PersonRole

WELCOME = "You are in, {name}, {may}. /help says what you can do here; messages of sessions come by themselves."
YOU_ARE = "You are {name} here from now on, as in their other chats and browsers."
NOT_HERE = "Who writes here is not known by an id, so they cannot be somebody."
IAM = "Write /iam CODE. `pointsman pair --name NAME` makes a code for the person that you are elsewhere."
LET_IN = "👤 {name} was let in by a code: {where}, {may}. `pointsman unpair` puts them out."
IN_A_CHAT = "{transport} user {user_id} in chat {chat_id}"
IN_A_BROWSER = "in a browser"
MAY = {
    PersonRole.OPERATOR: "as an operator",
    PersonRole.APPROVER: "to answer questions",
    PersonRole.VIEWER: "to look",
}
_NOT_YOUR_ROLE = {
    Deed.LOOK: "You may not see this.",
    Deed.ANSWER: "You may look here, and not answer: nothing was done. Ask whoever runs this.",
    Deed.TYPE: "You are here {may}, and may not do that: nothing was done. Ask whoever runs this.",
}
NOT_YOUR_SESSION = "That session is none of yours: nothing was done. Ask whoever runs this."
NOT_LIMITED = "You are let into some sessions only, and this is about all: nothing was done."


def not_your_role(person: Person, deed: Deed) -> str:
    """For somebody whose role lacks this."""
    return _NOT_YOUR_ROLE[deed].format(may=MAY[person.role])


NO_PASSKEY = "{name} has no passkey here: nothing was done. `pointsman passkey` lets you add one."
ASK_ANEW = "That took too long, or was used: nothing was done. Try again."
NO_SECOND_FACTOR = (
    "This needs a code of your authenticator app, and you have none here: nothing was done. `pointsman pair` makes you"
    " a person, `pointsman authenticator` gives you one; or answer at the terminal."
)
WRONG_CODE = "That code is wrong, too old or was used: nothing was done. Reply with the next one."
TOO_MANY_CODES = "Too many wrong codes: nothing was done. Wait ten minutes, or answer at the terminal."
