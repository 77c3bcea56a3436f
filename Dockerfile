# Two images from one file: `serve` (small: loads, exports and answers) and `train` (adds torch and DGL).
FROM node:20-bookworm-slim AS graphiql
WORKDIR /build
COPY gql/graphiql/package.json gql/graphiql/package-lock.json gql/graphiql/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY gql/graphiql/ ./
RUN node build.mjs

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN groupadd --system --gid 10001 tastegraph \
 && useradd --system --uid 10001 --gid tastegraph --home-dir /var/lib/tastegraph --create-home tastegraph
WORKDIR /opt/tastegraph
COPY requirements/serve.txt requirements/
RUN pip install --require-hashes -r requirements/serve.txt

FROM base AS source
COPY pyproject.toml README.md LICENSE tastegraph.py ./
COPY graph graph
COPY loaders loaders
COPY embeddings embeddings
COPY recommend recommend
COPY experiments experiments
COPY gql gql
COPY pipeline pipeline
COPY --from=graphiql /build/dist gql/graphiql/dist
RUN pip install --no-deps -e .

FROM source AS serve
USER tastegraph
VOLUME /var/lib/tastegraph
ENTRYPOINT ["tastegraph"]
CMD ["serve"]

FROM source AS train
COPY requirements/train.txt requirements/
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
 && pip install --require-hashes -r requirements/train.txt
USER tastegraph
VOLUME /var/lib/tastegraph
ENTRYPOINT ["tastegraph"]
CMD ["train"]
