"""What `doctor` looks at whatever apps are installed; apps add theirs with `register_check`."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra_site.management.checks.configuration import configuration
from orchestra_site.management.checks.database import database
from orchestra_site.management.checks.messaging import broker, channel_layer
from orchestra_site.management.checks.storage import storage
from orchestra_site.web.health import Check

BUILT_IN: Mapping[str, Check] = {
    "settings": configuration,
    "data folder": storage,
    "database": database,
    "broker": broker,
    "channel layer": channel_layer,
}
