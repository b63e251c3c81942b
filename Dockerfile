# ci-kaniko with git, for what looks at commits, and with the reader of shell scripts, for import.
# It starts what it is told to, as a job of GitLab needs: docker run -v "$PWD:/work" IMAGE ci-kaniko check
# The base is a tag and no digest: each build gets Debian's fixes, and a release names its own digest.
FROM docker.io/library/python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
COPY templates templates
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM docker.io/library/python:3.13-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -r /var/lib/apt/lists/* \
    && git config --system safe.directory '*'
COPY --from=build /dist /dist
RUN pip install --no-cache-dir "$(echo /dist/*.whl)[import]" \
    && rm -r /dist \
    && useradd --create-home --uid 1000 ci-kaniko
USER ci-kaniko
WORKDIR /work
CMD ["ci-kaniko", "--help"]
