"""An index of the words of all parts of documents: full text search of SQLite (FTS5) or PostgreSQL."""

from django.db import migrations

SQLITE = (
    """CREATE VIRTUAL TABLE tools_partwords USING fts5(
        text, content='tools_documentpart', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )""",
    """CREATE TRIGGER tools_part_added AFTER INSERT ON tools_documentpart BEGIN
        INSERT INTO tools_partwords(rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER tools_part_deleted AFTER DELETE ON tools_documentpart BEGIN
        INSERT INTO tools_partwords(tools_partwords, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
)
POSTGRESQL = (
    "CREATE INDEX tools_partwords ON tools_documentpart USING gin (to_tsvector('simple', text))",
)
NO_MORE = {
    "sqlite": (
        "DROP TRIGGER tools_part_deleted",
        "DROP TRIGGER tools_part_added",
        "DROP TABLE tools_partwords",
    ),
    "postgresql": ("DROP INDEX tools_partwords",),
}


def add_index(_apps, editor):
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[editor.connection.vendor]:
        editor.execute(statement)


def drop_index(_apps, editor):
    for statement in NO_MORE[editor.connection.vendor]:
        editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("tools", "0001_initial")]
    operations = [migrations.RunPython(add_index, drop_index)]
