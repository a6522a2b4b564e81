"""Probes of what the whole shop stands on: database, cache, storage."""

from __future__ import annotations

import time
import unittest
import uuid

from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_probe import tag


@tag("smoke")
class Database(unittest.TestCase):
    """The database of this deployment."""

    def test_answers(self) -> None:
        """The database is there, and lets us in."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            self.assertEqual(cursor.fetchone(), (1,))

    def test_every_migration_is_applied(self) -> None:
        """No release is live before the database has what its code expects."""
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan)
            self.fail(f"not applied: {names}; run manage.py migrate")


class Cache(unittest.TestCase):
    """The cache that all workers share."""

    def setUp(self) -> None:
        """Take a key that nobody else uses, and leave nothing behind."""
        self.key = f"probe-{uuid.uuid4()}"
        self.addCleanup(cache.delete, self.key)

    def test_keeps_what_it_is_given(self) -> None:
        """The cache is not merely reachable: it can be written to and read."""
        cache.set(self.key, "kept", timeout=30)
        self.assertEqual(cache.get(self.key), "kept")

    @tag("slow")
    def test_forgets_in_time(self) -> None:
        """Entries expire: nobody sees yesterday's prices. Slow, because it has to wait."""
        cache.set(self.key, "old", timeout=1)
        time.sleep(1.1)
        self.assertIsNone(cache.get(self.key))


class Storage(unittest.TestCase):
    """The place of the product photos."""

    def test_a_file_can_be_written_read_and_deleted(self) -> None:
        """The media volume is mounted, writable and not full."""
        name = default_storage.save(f"probes/{uuid.uuid4()}.txt", ContentFile(b"kept"))
        self.addCleanup(default_storage.delete, name)
        with default_storage.open(name) as stored:
            self.assertEqual(stored.read(), b"kept")
        default_storage.delete(name)
        self.assertFalse(default_storage.exists(name), f"{name} is still there")
