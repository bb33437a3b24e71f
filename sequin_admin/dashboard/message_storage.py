"""Messages to a user in a cookie that only this host can set."""

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    """Messages in a cookie whose name only this host can set (RFC 6265bis)."""

    cookie_name = "__Host-messages"


class HostMessageStorage(FallbackStorage):
    """Django's default storage, under https."""

    storage_classes = (HostCookieStorage, SessionStorage)
