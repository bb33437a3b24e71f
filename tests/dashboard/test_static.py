"""Static files in production."""

from django.core.management import call_command


def test_static_files_can_be_collected_with_hashed_names(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    assert (settings.BASE_DIR / "static/css/app.build.css").exists(), "Run make setup first."
    backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}

    call_command("collectstatic", interactive=False, verbosity=0)

    names = {path.name for path in (tmp_path / "css").iterdir()}
    assert any(name.startswith("app.build.") and name.endswith(".css.gz") for name in names)
    assert "app.css" not in names
