# Yangcheng Skills Map: the service. The database is another container (see compose.yaml) or DATABASE_URL.
FROM python:3.11-slim-bookworm AS packages
COPY requirements/runtime.txt /tmp/runtime.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/runtime.txt

FROM python:3.11-slim-bookworm
# libexpat1: the GDAL inside rasterio and pyogrio uses the system's
RUN apt-get update \
    && apt-get install -y --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/skillsmap skillsmap
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/skillsmap
COPY alembic.ini pyproject.toml ./
COPY migrations migrations
COPY data data
COPY benchmarks benchmarks
COPY app app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/skillsmap \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LC_ALL=C.UTF-8 \
    SKILLSMAP_HOME=/var/lib/skillsmap/home
USER skillsmap
# made as the user, so that a new volume here belongs to it
RUN mkdir -p /var/lib/skillsmap/home
VOLUME /var/lib/skillsmap/home
EXPOSE 8000
# the first start may load the demonstration city and compile the kernels
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
# brings the schema up to date, prepares the snapshot, serves; needs DATABASE_URL
CMD ["python", "-m", "app.cli", "serve", "--host", "0.0.0.0", "--port", "8000"]
