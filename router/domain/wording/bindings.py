"""What people read in chats of a repository. Everybody may read it: no name of a session is in it."""

NOT_HERE = (
    "That is not done here. `/stop`, `/cancel` and `/end` are about this chat's session, `/new` and words begin another"
    " one, `/ask` asks a model. Everything else is for its owner's own chats."
)
HOW_TO_ASK = "Ask something that needs no files and no tools: `/ask How do I undo the last commit in git?`"
NOTHING_RUNS = "No session runs here. Words begin one."
BEGINS_NOTHING = "No session runs here, and its owner lets none begin by words. They begin one themselves."
SEVERAL_QUESTIONS = "Several questions wait for an answer. Press the button of the one that is meant."
