# One image for every part: `serve`, `worker`, `db upgrade`, `load`, `report` are its commands.

FROM python:3.13-slim-trixie AS build

# A venv without pip in it: the last stage gets what runs and nothing that installs. The secret is optional: pip's
# settings where packages come from an index of your own.
RUN python -m venv --without-pip /opt/storewatch
WORKDIR /source
# requirements-ray.txt: with Ray, for a node of a cluster.
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-ray.txt ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    pip --python /opt/storewatch/bin/python install --no-cache-dir --only-binary=:all: --require-hashes -r "$REQUIREMENTS"
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Tests of the packages are never run. What Python compiled stays: without it a worker needs four times as long to start.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && pip --python /opt/storewatch/bin/python install --no-cache-dir --no-deps --no-index /wheels/*.whl \
    && find /opt/storewatch -depth -type d -name tests -exec rm -r {} + \
    && /opt/storewatch/bin/storewatch --version


FROM python:3.13-slim-trixie

# A number, so that Kubernetes can see that it is not root; with an entry in /etc/passwd, which libraries look up.
RUN groupadd --gid 10001 storewatch \
    && useradd --uid 10001 --gid storewatch --create-home --home-dir /var/lib/storewatch --shell /usr/sbin/nologin storewatch \
    && pip uninstall --yes pip
COPY --from=build /opt/storewatch /opt/storewatch
ENV PATH=/opt/storewatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    STOREWATCH_HOME=/var/lib/storewatch
WORKDIR /var/lib/storewatch
USER 10001:10001
EXPOSE 8000 9000

# http.client, unlike urllib, never sends this through a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 8000, timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["storewatch"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
