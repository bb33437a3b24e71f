"""Mails to the terminal, as people read them: no other form of the text, and no encoding."""

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend as ConsoleBackend


class EmailBackend(ConsoleBackend):
    """Prints who gets it, the subject and the plain text."""

    def write_message(self, message: EmailMessage) -> None:
        lines = (f"To: {', '.join(message.recipients())}", f"Subject: {message.subject}")
        self.stream.write("\n".join((*lines, "", str(message.body).strip(), "-" * 79, "")))
