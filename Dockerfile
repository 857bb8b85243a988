# One image for web, worker, clock and migrations; the command decides (see docker-compose.yml).
FROM python:3.13-slim-bookworm AS packages
COPY requirements/app.txt /tmp/app.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r /tmp/app.txt

FROM python:3.13-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CGT_LAUNCHER=off \
    STATIC_ROOT=/srv/static
RUN useradd --system --uid 10001 --no-create-home cgt && install -d -o cgt /srv/static /srv/state
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/app
COPY . .
# Static files are named by their content; none of these throwaway values reaches the running image.
RUN SECRET_KEY=only-while-collecting-static-files \
    CGT_MASTER_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    DATABASE_URL=postgresql://nobody@nowhere/none REDIS_URL=redis://nowhere/0 \
    python manage.py collectstatic --noinput --verbosity 0
USER cgt
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "2", "cgt.wsgi:application"]
