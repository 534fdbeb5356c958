"""New identifiers, sortable by the time at which they were made."""

from uuid import UUID

from uuid_utils import uuid7

from shared.framework.core.ids import format_id


class UuidV7Ids:
    """UUIDv7, spelt as the house spells ids."""

    def new(self, prefix: str) -> str:
        """A fresh identifier such as `inv_01j9...`."""
        return format_id(prefix, UUID(int=uuid7().int))
