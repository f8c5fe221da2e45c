# syntax=docker/dockerfile:1
# The bot and what it needs to run: no compilers, no tests, no pip, no root.
#   docker build -t tightrope . && docker run --env-file .env -v tightrope:/var/lib/tightrope tightrope
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
# What only a developer reads (tests, sources, stubs, a debugger's symbols) is taken out: a quarter of what is installed.
# For a mirror: --build-arg PIP_INDEX_URL=…
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends binutils ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /opt/tightrope
COPY requirements/run.lock requirements/run.lock
RUN python3 -m venv .venv \
    && .venv/bin/python -m pip install --quiet --only-binary :all: --require-hashes -r requirements/run.lock \
    && .venv/bin/python -m pip uninstall --quiet --yes pip \
    && find .venv -depth -type d \( -name tests -o -name test -o -name sample_data \) -exec rm -rf {} + \
    && find .venv -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.c' -o -name '*.h' -o -name '*.dll' -o -name '*.a' \) -delete \
    && find .venv -name '*.so' -not -path '*.libs/*' -exec strip --strip-unneeded {} +
COPY bot bot
COPY config config
RUN .venv/bin/python -m compileall -q bot

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tightrope \
    && install -d -o tightrope -g tightrope /var/lib/tightrope
COPY --from=build /opt/tightrope /opt/tightrope
COPY LICENSE /opt/tightrope/
# The root file system may be read-only: the archive has its volume, matplotlib its cache in /tmp.
ENV PATH=/opt/tightrope/.venv/bin:$PATH \
    PYTHONPATH=/opt/tightrope \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    DATABASE_URL=sqlite+aiosqlite:////var/lib/tightrope/tightrope.sqlite
WORKDIR /var/lib/tightrope
VOLUME /var/lib/tightrope
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["python", "-P", "-m", "bot", "health"]
ENTRYPOINT ["python", "-P", "-m", "bot"]
CMD ["run"]
