from sequin_admin.health.models import Incident


def opened(incident: Incident) -> None:
    pass
