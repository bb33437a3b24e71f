"""What the control page and the control API do to the simulated providers."""


class ControlError(Exception):
    """The requested action is not possible; the message is shown to the user."""
