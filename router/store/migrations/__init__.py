"""Numbered migrations: each is a list of SQL statements, frozen once released."""

import sqlite3

from router.store.migrations import (
    m0001_first,
    m0002_moved_chats,
    m0003_chats,
    m0004_suspects,
    m0005_waiting,
    m0006_permissions,
    m0007_closed_chats,
    m0008_files,
    m0009_files_out,
    m0010_strangers,
    m0011_seen_sessions,
    m0012_redriven,
    m0013_copies,
    m0014_held,
    m0015_start_folders,
    m0016_capabilities,
    m0017_said,
    m0018_audit,
    m0019_identity,
    m0020_browsers,
    m0021_gates,
    m0022_people,
    m0023_second_factors,
    m0024_bound_machines,
    m0025_join_tokens,
    m0026_key_ends,
    m0027_key_scopes,
    m0028_key_rotation,
    m0029_machine_keys,
    m0030_quotas,
    m0031_passkeys,
    m0032_growth,
    m0033_lists,
    m0034_states,
    m0035_details,
    m0036_given_names,
    m0037_work_messages,
    m0038_voices,
    m0039_subscriptions,
    m0040_deferred,
    m0041_limits,
    m0042_read_marks,
    m0043_audience,
    m0044_session_messages,
    m0045_programs,
    m0046_escalations,
    m0047_answer_rules,
    m0048_notes,
    m0049_mutes,
    m0050_bundles,
    m0051_bindings,
    m0052_workspaces,
    m0053_concerns,
    m0054_quick,
    m0055_proposals,
    m0056_workspaces,
    m0057_callbacks,
    m0058_workspace_moves,
    m0059_note_embeddings,
    m0060_live_commands,
)

MIGRATIONS: list[list[str]] = [
    m0001_first.STATEMENTS,
    m0002_moved_chats.STATEMENTS,
    m0003_chats.STATEMENTS,
    m0004_suspects.STATEMENTS,
    m0005_waiting.STATEMENTS,
    m0006_permissions.STATEMENTS,
    m0007_closed_chats.STATEMENTS,
    m0008_files.STATEMENTS,
    m0009_files_out.STATEMENTS,
    m0010_strangers.STATEMENTS,
    m0011_seen_sessions.STATEMENTS,
    m0012_redriven.STATEMENTS,
    m0013_copies.STATEMENTS,
    m0014_held.STATEMENTS,
    m0015_start_folders.STATEMENTS,
    m0016_capabilities.STATEMENTS,
    m0017_said.STATEMENTS,
    m0018_audit.STATEMENTS,
    m0019_identity.STATEMENTS,
    m0020_browsers.STATEMENTS,
    m0021_gates.STATEMENTS,
    m0022_people.STATEMENTS,
    m0023_second_factors.STATEMENTS,
    m0024_bound_machines.STATEMENTS,
    m0025_join_tokens.STATEMENTS,
    m0026_key_ends.STATEMENTS,
    m0027_key_scopes.STATEMENTS,
    m0028_key_rotation.STATEMENTS,
    m0029_machine_keys.STATEMENTS,
    m0030_quotas.STATEMENTS,
    m0031_passkeys.STATEMENTS,
    m0032_growth.STATEMENTS,
    m0033_lists.STATEMENTS,
    m0034_states.STATEMENTS,
    m0035_details.STATEMENTS,
    m0036_given_names.STATEMENTS,
    m0037_work_messages.STATEMENTS,
    m0038_voices.STATEMENTS,
    m0039_subscriptions.STATEMENTS,
    m0040_deferred.STATEMENTS,
    m0041_limits.STATEMENTS,
    m0042_read_marks.STATEMENTS,
    m0043_audience.STATEMENTS,
    m0044_session_messages.STATEMENTS,
    m0045_programs.STATEMENTS,
    m0046_escalations.STATEMENTS,
    m0047_answer_rules.STATEMENTS,
    m0048_notes.STATEMENTS,
    m0049_mutes.STATEMENTS,
    m0050_bundles.STATEMENTS,
    m0051_bindings.STATEMENTS,
    m0052_workspaces.STATEMENTS,
    m0053_concerns.STATEMENTS,
    m0054_quick.STATEMENTS,
    m0055_proposals.STATEMENTS,
    m0056_workspaces.STATEMENTS,
    m0057_callbacks.STATEMENTS,
    m0058_workspace_moves.STATEMENTS,
    m0059_note_embeddings.STATEMENTS,
    m0060_live_commands.STATEMENTS,
]


class NewerSchema(Exception):
    """The database was written by a newer version of this program."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each step in one transaction. `user_version` says how many have run.

    Raises NewerSchema when the database is newer than this program.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    # An older program does not fill the columns it does not know, nor heeds what they say.
    if version > len(MIGRATIONS):
        raise NewerSchema(
            f"the database has schema {version}, this version knows {len(MIGRATIONS)}: install a newer one"
        )
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        # The version is part of the transaction: after a crash a step has run whole, or not at all.
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
