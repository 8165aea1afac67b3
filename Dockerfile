# The images of a server: `docker build --target api|cpu|gpu .` See docs/server.md, "Images".
#
# The base is pinned by its tag, for people, and by the digest of its index of platforms, which is what counts. To move it:
# `docker buildx imagetools inspect python:3.11-slim-bookworm`, put both in here together, and look whether the versions of the
# fonts below still exist there. Python stays 3.11, as in pyproject.toml.
FROM python:3.11.17-slim-bookworm@sha256:0a310eeecf4e1f5a0743f9a6520c90c88d089c903ca5fd283f501e3a805f5f89 AS python
# The base comes without bytecode, and nobody may write it at run time: without this every start, ffmpeg's included, compiles anew.
RUN python -m compileall -q --invalidation-mode unchecked-hash -x 'site-packages|/tests?/' /usr/local/lib/python3.11


FROM python AS venv
ENV PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/cutroom
WORKDIR /build


FROM venv AS wheel
COPY deploy/requirements/build.lock .
RUN pip install --no-deps --require-hashes -r build.lock
COPY . .
RUN hatchling build -t wheel -d /wheel


FROM venv AS api-venv
COPY deploy/requirements/api.lock .
RUN pip --python /opt/cutroom install --no-deps --require-hashes -r api.lock
COPY --from=wheel /wheel /wheel
RUN pip --python /opt/cutroom install --no-deps /wheel/*.whl \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/cutroom/lib


FROM venv AS cpu-venv
COPY deploy/requirements/cpu.lock .
RUN pip --python /opt/cutroom install --no-deps --require-hashes -r cpu.lock
COPY --from=wheel /wheel /wheel
RUN pip --python /opt/cutroom install --no-deps /wheel/*.whl \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/cutroom/lib


FROM venv AS gpu-venv
COPY deploy/requirements/gpu.lock requirements-torch.txt ./
RUN pip --python /opt/cutroom install --no-deps --require-hashes -r gpu.lock \
 && pip --python /opt/cutroom install -r requirements-torch.txt
COPY --from=wheel /wheel /wheel
RUN pip --python /opt/cutroom install --no-deps /wheel/*.whl \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/cutroom/lib


# What all processes have in common. The root file system may be read-only: state and caches are in the volume, temporary files
# in /tmp. Python neither writes bytecode nor imports from the folder it is started in.
FROM python AS process
ARG VERSION=0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Cutroom" \
      org.opencontainers.image.licenses="AGPL-3.0-or-later" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
# A volume for the cache of model weights takes its account from the folder that it is mounted over.
RUN useradd --uid 10001 --user-group --home-dir /var/lib/cutroom --create-home --shell /usr/sbin/nologin cutroom \
 && install -d -o cutroom -g cutroom /var/lib/cutroom/.cache
ENV PATH=/opt/cutroom/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/var/lib/cutroom \
    CUTROOM_HOME=/var/lib/cutroom \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1
WORKDIR /var/lib/cutroom
VOLUME /var/lib/cutroom
USER 10001:10001
STOPSIGNAL SIGTERM
# Process 1 gets no signal that it does not handle, so a worker that still waits for its servers would not be stopped. dumb-init
# hands SIGTERM on to it, and reaps what is orphaned.
ENTRYPOINT ["dumb-init", "--single-child", "--"]


FROM process AS api
LABEL org.opencontainers.image.title="Cutroom API"
COPY --from=api-venv /opt/cutroom /opt/cutroom
ENV CUTROOM_API_HOST=0.0.0.0 \
    CUTROOM_API_PORT=8000
EXPOSE 8000
# Not by urllib, which would ask a proxy where the environment names one.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', os.environ['CUTROOM_API_PORT'], timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "api"]


FROM process AS worker
ENV CUTROOM_METRICS_HOST=0.0.0.0 \
    CUTROOM_METRICS_PORT=9464
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', os.environ['CUTROOM_METRICS_PORT'], timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]


# control, outbound and media; also the one for `cutroom prepare`.
FROM worker AS cpu
LABEL org.opencontainers.image.title="Cutroom CPU workers"
USER 0:0
# For what the caption font lacks: Chinese, Japanese and Korean.
RUN apt-get update \
 && apt-get install -y --no-install-recommends fontconfig-config=2.14.1-4 fonts-noto-cjk=1:20220127+repack1-1 \
 && rm -rf /var/lib/apt/lists/*
USER 10001:10001
COPY --from=cpu-venv /opt/cutroom /opt/cutroom
CMD ["python", "-m", "worker_cpu", "media"]


# CUDA comes with PyTorch's wheels, the driver from the host by NVIDIA's container toolkit.
FROM worker AS gpu
LABEL org.opencontainers.image.title="Cutroom GPU worker"
COPY --from=gpu-venv /opt/cutroom /opt/cutroom
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
CMD ["python", "-m", "worker_gpu"]
