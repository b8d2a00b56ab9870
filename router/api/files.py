"""Files of commands as protobuf and back."""

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as pb

from router.domain.command import FileInput
from router.services.files import checked


def given(request: chat_pb.SubmitRequest) -> FileInput | None:
    """The file of a message; None without one. Raises Refusal when it has a name or a size that cannot be."""
    file = request.file
    return checked(FileInput(file.file_id, file.name, file.size)) if request.HasField("file") else None


def action(file: FileInput) -> pb.Action:
    """What the machine gets."""
    given = pb.FileInput(file_id=file.file_id, name=file.name, size=file.size, caption=file.caption)
    return pb.Action(file=given)
