FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
COPY templates templates
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.13-slim
COPY --from=build /dist /dist
RUN pip install --no-cache-dir /dist/*.whl \
    && rm -r /dist \
    && useradd --create-home --uid 1000 ci-kaniko
USER ci-kaniko
WORKDIR /work
ENTRYPOINT ["ci-kaniko"]
CMD ["--help"]
