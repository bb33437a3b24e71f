FROM python:3.11-slim-trixie

ENV PYTHONUNBUFFERED=1
WORKDIR /app
# pg_dump and pg_restore, for manage.py backup and restore, of the version in compose.yaml.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client-17 \
 && rm -rf /var/lib/apt/lists/*
COPY requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY . .
# Throw-away keys, without which collectstatic does not start.
RUN tailwindcss -i static/css/app.css -o static/css/app.build.css --minify \
 && SECRET_KEY=build FIELD_ENCRYPTION_KEY=$(python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())") \
    python manage.py collectstatic --noinput \
 && ln -s /app/sequin_admin/command_line/sequin-admin /usr/local/bin/ \
 && useradd --system --uid 10001 sequin && mkdir -m 700 .data && chown sequin .data
# By number, so that Kubernetes sees that it is not root.
USER 10001
EXPOSE 8000 8081
# 8081 is HEALTH_PORT, where /healthz needs no free thread.
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--bind", "0.0.0.0:8081", "--workers", "2", "--threads", "8", "--preload", \
     "--config", "python:sequin_admin.gunicorn_config", \
     "--worker-class", "sequin_admin.gunicorn_worker.BufferingWorker", "sequin_admin.wsgi:application"]
