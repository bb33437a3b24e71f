"""Base classes of a kind's `properties`: typed fields, some of them secret or read-only."""

from sequin_admin.credentials.properties.declaring import MAX_NUMBER, Property, Secret
from sequin_admin.credentials.properties.masks import (
    ANOTHER,
    MASK,
    MASKED,
    InvalidEntry,
    ends_of,
    is_mask,
    is_mask_of,
    unmasked,
)
from sequin_admin.credentials.properties.model import Properties
from sequin_admin.credentials.properties.values import plain_value, warn_of_space

__all__ = [
    "ANOTHER",
    "MASK",
    "MASKED",
    "MAX_NUMBER",
    "InvalidEntry",
    "Properties",
    "Property",
    "Secret",
    "ends_of",
    "is_mask",
    "is_mask_of",
    "plain_value",
    "unmasked",
    "warn_of_space",
]
