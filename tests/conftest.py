"""Shared fixtures: media made on the spot, the command line, and the shared data where there is any.

The suite gives the same result on every processor. Inside the tests' own process the CPU is one without bf16 units, and
with ``CONVIQT_TESTS_BF16=1`` one with them, on any machine.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Tiny pictures gain nothing from several threads, which would spin while they wait for each other. Set before NumPy
# and PyTorch are imported, and inherited by every process that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# "Every core" is one: each worker process would import SciPy anew for a few milliseconds of work. Tests that are about
# worker processes say how many they want.
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")

import imageio_ffmpeg
import numpy as np
import pytest

if TYPE_CHECKING:
    from conviqt_cli.model.networks import SpatialNetwork

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "media" / "sample.mp4"


def spatial_network() -> SpatialNetwork:
    """A network of random weights, always the same, whose batch norms do something."""
    import torch

    from conviqt_cli.model.networks import SpatialNetwork

    torch.manual_seed(0)
    network = SpatialNetwork("conv1").eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return network


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on a Ray cluster come last, since the cluster's own processes are busy as long as it is up."""
    items.sort(key=_needs_ray)


def _needs_ray(item: pytest.Item) -> bool:
    return "ray_cluster" in getattr(item, "fixturenames", ()) or item.name.endswith("[ray]")


@pytest.fixture(scope="session")
def sample() -> Path:
    """The clip that travels with the tests: 100 frames, clean, then compressed hard."""
    return SAMPLE


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data ($CONVIQT_SHARED, else ``shared`` beside the checkout); skips without it."""
    folder = Path(os.environ.get("CONVIQT_SHARED", ROOT.parent / "shared"))
    if not (folder / "parity").is_dir():
        pytest.skip("no shared data here (set CONVIQT_SHARED)")
    return folder


@pytest.fixture(scope="session")
def copy_bundle() -> Callable[..., Path]:
    """Make a bundle like the default one: ``copy_bundle(folder)``, whose networks are links to the default's files.

    A network that is to be written to is named (``copy_bundle(folder, "temporal.safetensors")``), and copied.
    """
    from conviqt_cli.model.bundle import open_bundle

    def copy(folder: Path, *changed: str) -> Path:
        folder.mkdir()
        for path in open_bundle().folder.iterdir():
            if path.stat().st_size < 1 << 20 or path.name in changed:
                shutil.copy2(path, folder)
            else:
                (folder / path.name).symlink_to(path)
        return folder

    return copy


@pytest.fixture(scope="session")
def diagnosing(copy_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default bundle with a made-up diagnosis head, which always sees blur of level 3 (97 %), then noise."""
    from conviqt_cli.model.bundle import open_bundle
    from conviqt_cli.plans.picture_plan import CROPS
    from conviqt_cli.quality.diagnosis import DiagnosisHead
    from conviqt_cli.training.heads.assembly import seal

    bundle, folder = open_bundle(), copy_bundle(tmp_path_factory.mktemp("diagnosing") / "bundle")
    flat = np.zeros((4, 2048))
    chances = np.log([0.005, 0.97, 0.01, 0.015])
    head = DiagnosisHead(
        ("pristine", "blur", "flicker", "noise"), flat, chances, flat, np.array([0.0, 3.1, 1.0, 2.0]),
        bundle.encoder_id, {"labels": "made up"},
    )  # fmt: skip
    head.save(folder / "diagnosis.safetensors")
    head.for_encoder(bundle.encoder_id, CROPS.id).save(folder / "diagnosis_crops.safetensors")
    seal(folder, {"diagnosis": "diagnosis.safetensors", "diagnosis_crops": "diagnosis_crops.safetensors"})
    return folder


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """An ffmpeg binary with every encoder that the tests use."""
    binary: str = imageio_ffmpeg.get_ffmpeg_exe()
    return binary


@pytest.fixture(scope="session")
def make_video(ffmpeg: str) -> Callable[..., Path]:
    """Make a small video: ``make_video(path, *encoder_options, size=..., rate=..., frames=..., filters=...)``."""

    def make(
        path: Path,
        *options: str,
        source: str = "testsrc2",
        size: str = "96x64",
        rate: str = "25",
        frames: int = 20,
        filters: str = "null",
    ) -> Path:
        if not options and path.suffix != ".png":
            options = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
        lavfi = f"{source}=s={size}:r={rate}"
        command = [ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", lavfi, "-frames:v", str(frames), "-vf", filters]
        subprocess.run([*command, *options, str(path)], check=True, stdin=subprocess.DEVNULL)
        return path

    return make


@pytest.fixture(scope="session")
def networks() -> Iterator[None]:
    """Read each bundle's networks once a session, and hide what this processor can do (see above).

    Every encoder made after the first of the same networks and settings shares them, whatever else is in its bundle.
    """
    from conviqt_cli.model import cpu
    from conviqt_cli.model.openvino_backend import OpenVinoEncoder
    from conviqt_cli.model.torch_backend import TorchEncoder

    flags = cpu._flags().replace("amx_bf16", "").replace("avx512_bf16", "")
    if os.environ.get("CONVIQT_TESTS_BF16") == "1":
        flags += " avx512_bf16"
    with pytest.MonkeyPatch.context() as patch:
        for kind in (TorchEncoder, OpenVinoEncoder):
            patch.setattr(kind, "__init__", _read_once(kind.__init__))
        patch.setattr(cpu, "_flags", lambda: flags)
        yield


def _read_once(read: Callable[..., None]) -> Callable[..., None]:
    """The constructor ``read`` of an encoder, run once for each set of files and settings."""
    kept = dict[str, dict[str, Any]]()
    signature = inspect.signature(read)

    def constructor(self: Any, *arguments: Any, **options: Any) -> None:
        given = signature.bind(self, *arguments, **options).arguments
        bundle = given["bundle"]
        paths = [bundle.folder / bundle.manifest["files"][role]["name"] for role in ("spatial", "temporal")]
        files = [path.exists() and (path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
        settings = {name: value for name, value in given.items() if name not in ("self", "bundle", "threads")}
        key = repr((bundle.encoder_id, files, settings))
        if key not in kept:
            read(self, *arguments, **options)
            kept[key] = dict(self.__dict__)
        self.__dict__.update(kept[key])

    return constructor


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A Ray cluster of two cores on this machine, started once; skips without Ray."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # By default workers give way to everything else on the machine, other tests included.
    os.environ.setdefault("RAY_worker_niceness", "0")
    ray = pytest.importorskip("ray")
    ray.init(
        num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False, logging_level="ERROR"
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def small(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample at 64x48, all 100 frames: a fifth of its cost, where what it shows does not matter."""
    path = tmp_path_factory.mktemp("small") / "small.mp4"
    command = [ffmpeg, "-v", "error", "-i", str(SAMPLE), "-vf", "scale=64:48", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="session")
def conviqt(networks: None) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in this process: ``conviqt("score", path)`` returns exit code, stdout and stderr.

    ``env`` replaces the environment, ``cwd`` is the folder to run in, ``stdin`` what can be read there, as bytes.
    Where the process itself is the subject (signals, pipes, start-up), a test starts one of its own.
    """

    def run(
        *arguments: object, cwd: Path = ROOT, env: dict[str, str] | None = None, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        from conviqt_cli.cli.main import main

        command = ["conviqt", *map(_argument, arguments)]
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with _surroundings(cwd, _environment() if env is None else env), pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", command)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as left:
                main()
        texts = (stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in (out, err))
        return subprocess.CompletedProcess(command, left.value.code or 0, *texts)

    return run


def _argument(value: object) -> str:
    return os.fspath(value) if isinstance(value, Path) else str(value)


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}


@contextlib.contextmanager
def _surroundings(cwd: Path, env: dict[str, str]) -> Iterator[None]:
    """Working folder and environment as a process would have them; what the command changes is put back."""
    from conviqt_cli.video.ffmpeg import find_ffmpeg

    folder, before, terminate, handlers = (
        Path.cwd(),
        dict(os.environ),
        signal.getsignal(signal.SIGTERM),
        logging.root.handlers,
    )
    other_ffmpeg = env.get("CONVIQT_FFMPEG") != before.get("CONVIQT_FFMPEG")
    try:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        logging.root.handlers = []  # pytest's own, in whose presence logging would not be set up
        if other_ffmpeg:
            find_ffmpeg.cache_clear()
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
        signal.signal(signal.SIGTERM, terminate)
        logging.root.handlers = handlers
        if other_ffmpeg:
            find_ffmpeg.cache_clear()
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
