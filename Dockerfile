# One image for web and worker: the command decides.

FROM node:20-bookworm-slim AS static
WORKDIR /build/static
COPY static/package.json static/package-lock.json static/.npmrc ./
RUN npm ci --no-audit --no-fund
# The stylesheet holds the classes that pages and page modules use.
COPY templates ../templates
COPY crates/web/src ../crates/web/src
COPY static ./
RUN npm run build

FROM rust:1.95.0-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY .sqlx .sqlx
COPY crates crates
COPY migrations migrations
COPY templates templates
COPY --from=static /build/static static
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    cargo build --release --locked -p berth && cp target/release/berth /usr/local/bin/berth

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin berth
COPY --from=build /usr/local/bin/berth /usr/bin/berth
COPY container-templates /usr/share/berth/container-templates
ENV BERTH_LISTEN=0.0.0.0:8080 \
    BERTH_CONTAINER_TEMPLATES=/usr/share/berth/container-templates \
    BERTH_LOG_FORMAT=json
USER berth
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/berth"]
CMD ["web"]
