"""Files, of commands and of notifications."""

from collections.abc import Iterable

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as pb

from router.domain.action import FileInput
from router.domain.errors import Reason, Refusal
from router.domain.notification import MAX_FILES, File
from router.services.files import checked, checked_out


def file_input(request: chat_pb.SubmitRequest) -> FileInput | None:
    """The file of a message; None without one. Raises Refusal when it has a name or a size that cannot be."""
    if not request.HasField("file"):  # first: what is read of a message that is not there is made for it
        return None
    file = request.file
    return checked(FileInput(file.file_id, file.name, file.size))


def file_action(file: FileInput) -> pb.Action:
    """What the machine gets."""
    given = pb.FileInput(file_id=file.file_id, name=file.name, size=file.size, caption=file.caption)
    return pb.Action(file=given)


def notification_files(request: link_pb.NotifyWithFilesRequest) -> tuple[File, ...]:
    """The files of a machine's message. Raises Refusal when one cannot be, or they are none or too many."""
    if not 0 < len(request.files) <= MAX_FILES:
        raise Refusal(Reason.INVALID_ARGUMENT, f"There are {len(request.files)} files; it must be 1 to {MAX_FILES}.")
    return tuple(checked_out(File(file.file_id, file.name, file.size)) for file in request.files)


def file_messages(files: Iterable[File]) -> list[pb.NotificationFile]:
    """What couriers and readers get."""
    return [pb.NotificationFile(file_id=file.file_id, name=file.name, size=file.size) for file in files]
