"""The audit: a chain of entries that triggers keep from being changed, and the anchor that retention leaves.

Triggers stop mistakes of ours. Whoever can write the file can drop them; that is what the hashes are for.
"""

STATEMENTS = [
    """CREATE TABLE "audit_entries" ("number" INTEGER NOT NULL PRIMARY KEY,
        "at" REAL NOT NULL,
        "event" TEXT NOT NULL,
        "kind" TEXT NOT NULL,
        "identity" TEXT NOT NULL,
        "label" TEXT NOT NULL,
        "claimed" TEXT NOT NULL,
        "peer" TEXT NOT NULL,
        "subject" TEXT NOT NULL,
        "detail" TEXT NOT NULL,
        "previous" TEXT NOT NULL,
        "digest" TEXT NOT NULL)""",
    """CREATE TABLE "audit_anchors" ("number" INTEGER NOT NULL PRIMARY KEY,
        "digest" TEXT NOT NULL)""",
    "INSERT INTO audit_anchors VALUES (0, printf('%064d', 0))",
    """CREATE TRIGGER audit_follows BEFORE INSERT ON audit_entries
        WHEN (NEW.number - 1, NEW.previous) IS NOT (SELECT number, digest FROM
            (SELECT number, digest FROM audit_entries UNION ALL SELECT number, digest FROM audit_anchors)
            ORDER BY number DESC LIMIT 1)
        BEGIN SELECT RAISE(ABORT, 'an entry of the audit follows the newest one'); END""",
    """CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'the audit is not changed'); END""",
    """CREATE TRIGGER audit_kept BEFORE DELETE ON audit_entries
        WHEN OLD.number > (SELECT MAX(number) FROM audit_anchors)
        BEGIN SELECT RAISE(ABORT, 'the audit is cut at its oldest end alone, behind its anchor'); END""",
    """CREATE TRIGGER audit_anchor_moves BEFORE UPDATE ON audit_anchors
        WHEN NEW.number <= OLD.number OR NEW.digest IS NOT
            (SELECT digest FROM audit_entries WHERE number = NEW.number)
        BEGIN SELECT RAISE(ABORT, 'the anchor of the audit moves to a later entry of it'); END""",
    """CREATE TRIGGER audit_one_anchor BEFORE INSERT ON audit_anchors
        BEGIN SELECT RAISE(ABORT, 'the audit has one anchor'); END""",
    """CREATE TRIGGER audit_anchored BEFORE DELETE ON audit_anchors
        BEGIN SELECT RAISE(ABORT, 'the audit keeps its anchor'); END""",
]
