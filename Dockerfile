# ci-kaniko with git, for what looks at commits, and with the reader of shell scripts, for import.
# It starts what it is told to, as a job of GitLab needs: docker run -v "$PWD:/work" IMAGE ci-kaniko check
# The base and what pip installs are pinned: a newer one is a decision, made in a commit.
FROM docker.io/library/python:3.13-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY .ci/constraints.txt /dist/
COPY src src
COPY templates templates
RUN PIP_CONSTRAINT=/dist/constraints.txt pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM docker.io/library/python:3.13-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -r /var/lib/apt/lists/* \
    && git config --system safe.directory '*'
COPY --from=build /dist /dist
RUN pip install --no-cache-dir --constraint /dist/constraints.txt "$(echo /dist/*.whl)[import]" \
    && rm -r /dist \
    && useradd --create-home --uid 1000 ci-kaniko
USER ci-kaniko
WORKDIR /work
CMD ["ci-kaniko", "--help"]
