# One build for all five services, and a small image for each: docker build --target funding .
# The same Debian in both stages: the programs link its libpq, librabbitmq and libexpat.
ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1-dev libpq-dev librabbitmq-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /maillage
# The manifest alone decides what is fetched, so an edited source does not fetch anything anew.
COPY Package.swift ./
RUN swift package resolve
COPY . .
# Symbols go too: nothing in the image reads them, and a core dump is read beside the program of this stage.
RUN set -eu; mkdir /programs; \
    for program in applications funding experimentation feedback reporting; do \
        swift build --configuration release --static-swift-stdlib \
            --explicit-target-dependency-import-check error --product "$program"; \
        strip --output-file "/programs/$program" ".build/release/$program"; \
    done

FROM ${DEBIAN_IMAGE} AS runtime
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libexpat1 libpq5 librabbitmq4 tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin maillage
ENV LANG=C.UTF-8 MAILLAGE_HTTP_HOST=0.0.0.0 MAILLAGE_HTTP_PORT=8080
EXPOSE 8080
USER maillage
STOPSIGNAL SIGTERM

FROM runtime AS applications
COPY --from=build /programs/applications /usr/local/bin/
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["applications", "healthcheck"]
ENTRYPOINT ["applications"]
CMD ["serve"]

FROM runtime AS funding
COPY --from=build /programs/funding /usr/local/bin/
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["funding", "healthcheck"]
ENTRYPOINT ["funding"]
CMD ["serve"]

FROM runtime AS experimentation
COPY --from=build /programs/experimentation /usr/local/bin/
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["experimentation", "healthcheck"]
ENTRYPOINT ["experimentation"]
CMD ["serve"]

FROM runtime AS feedback
COPY --from=build /programs/feedback /usr/local/bin/
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["feedback", "healthcheck"]
ENTRYPOINT ["feedback"]
CMD ["serve"]

FROM runtime AS reporting
COPY --from=build /programs/reporting /usr/local/bin/
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["reporting", "healthcheck"]
ENTRYPOINT ["reporting"]
CMD ["serve"]
