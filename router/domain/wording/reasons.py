"""What people read of why a command ended as it did: the part of the catalogue that is the reasons'."""

from router.domain.errors import Reason

_REASONS = {
    Reason.QUESTION_OVER: "the question was over by then",
    Reason.INPUT_CHANGED: "it was about something else than what is asked",
    Reason.SESSION_RESTARTED: "the session was restarted since; send it again if you still want it",
    Reason.SESSION_ENDED: "the session has ended",
    Reason.SESSION_UNKNOWN: "the machine does not know this session",
    Reason.MACHINE_REVOKED: "the machine was revoked",
    Reason.TOO_OLD: "nobody could take it within 24 hours",
    Reason.TOO_MANY_ATTEMPTS: "the machine failed to take it eight times",
    Reason.POISON_SUSPECT: "the machine restarted each time it was sent this",
    Reason.TTL_EXPIRED: "its time ran out",
    Reason.ROUTER_RESTORED: "the router was put back from a backup; look at the session before you send it again",
    Reason.CANCELLED: "taken back",
    Reason.INBOX_LOST: "the machine lost its inbox; look at the session before you send it again",
    Reason.AGENT_RESTARTED: "the agent died while it was typing; look at the session before you send it again",
    Reason.TARGET_GONE: "the terminal is gone",
    Reason.BACKEND_ERROR: "the terminal reported an error",
    Reason.EXIT_CODE: "the command failed",
    Reason.UNSUPPORTED: "this session cannot do that",
    Reason.NOT_TAKEN: "the program in it did not take it",
    Reason.DIALOG_OPEN: "a dialog is open in the terminal",
    Reason.LINE_IN_USE: "someone is typing in the terminal",
    Reason.FOLDER_NOT_ALLOWED: "no session may start there",
    Reason.TOO_MANY_SESSIONS: "no more sessions fit on the machine",
    Reason.CONVERSATION_OPEN: "the conversation is open already",
    Reason.CREDENTIAL_OLD: "the machine's key is too old",
    Reason.AGENT_TOO_OLD: "the machine's agent is too old",
    Reason.START_NOT_ALLOWED: "the machine's policy allows no start",
    Reason.OUTSIDE_HOURS: "the machine's policy allows starts at other hours",
    Reason.PROGRAM_NOT_ALLOWED: "the machine's policy does not allow the program",
    Reason.PROGRAM_TOO_OLD: "the program on the machine is too old",
    Reason.NO_ROOM: "the machine's disk is nearly full",
    Reason.KEY_REPLACED: "its key was replaced, and the old one is shown",
    Reason.QUOTA_SESSIONS: "the machine has as many sessions as it may",
    Reason.QUOTA_FILES: "too many files wait already",
    Reason.QUOTA_MESSAGES: "too many messages wait already",
    Reason.MODE_NOT_ALLOWED: "that mode may not be chosen from here",
    Reason.WORKSPACE_FAILED: "its workspace could not be made",
    Reason.WORKSPACE_FULL: "workspaces take as much of the machine's disk as they may",
    Reason.FILE_GONE: "the file is not here any more; send it again",
}


def reason_text(reason: Reason) -> str:
    """A reason for people, without a full stop."""
    return _REASONS.get(reason) or reason.name.lower().replace("_", " ")
