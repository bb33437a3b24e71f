"""Which static files are served: the style sheet that was built, not its source."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Django's app for static files, without the source of the style sheet."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "app.css"]
