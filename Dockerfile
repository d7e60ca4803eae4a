# conviqt in a container, for one machine or as a node of a Ray cluster (docs/beyond-one-machine.md).
#
#   docker build -t conviqt .                               CPU
#   docker build -t conviqt:cuda --build-arg TORCH=cuda .   NVIDIA GPUs; run it with --gpus all
#
#   docker run --rm -v "$PWD:/videos" conviqt score /videos/a.mp4
#
# Checked by hadolint only: it has not been built or run.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY conviqt_cli conviqt_cli
COPY weights weights
COPY docs/conviqt.1 docs/
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim
# cpu: PyTorch's own small build. cuda: the default one, which brings CUDA with it; the host has the driver.
ARG TORCH=cpu
COPY --from=wheel /wheels /wheels
# Into the system's Python: KubeRay starts login shells, whose PATH has /usr/local/bin but no environment's. Its probes
# use wget.
# hadolint ignore=DL3008,DL3013
RUN apt-get update \
    && apt-get install --yes --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/* \
    && if [ "$TORCH" = cpu ]; then \
         pip install --no-cache-dir torch torchvision --index-url https://download.pytorch.org/whl/cpu; \
       fi \
    && pip install --no-cache-dir "$(echo /wheels/conviqt-*.whl)[ray,parquet,cloud]" \
    && rm -r /wheels \
    && useradd --create-home --uid 1000 conviqt \
    && install --directory --owner=1000 --group=1000 /scratch /cache
ENV CONVIQT_SCRATCH=/scratch \
    CONVIQT_CACHE=/cache \
    RAY_USAGE_STATS_ENABLED=0
USER 1000:1000
WORKDIR /home/conviqt
# Decodes and scores a clip of known score.
HEALTHCHECK --interval=10m --timeout=2m --start-period=1m CMD ["conviqt", "doctor"]
ENTRYPOINT ["conviqt"]
CMD ["--help"]
