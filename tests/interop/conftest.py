"""Where the interop suite finds the build, the sources and its peers. What is missing fails; nothing is skipped."""
import importlib
import os
import pathlib
import subprocess
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

PEERS = ("numpy", "tensorflow", "keras", "tensorboard")
SESSION = pytest.StashKey[pytest.Session]()


@pytest.fixture(scope="session")
def source_dir():
    return pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def peers():
    """The modules that strata is compared with."""
    missing = []
    for name in PEERS:
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing.append(f"{name} ({error})")
    if missing:
        pytest.fail(f"these peers cannot be imported: {', '.join(missing)}; install tools/requirements-peers.txt", pytrace=False)


@pytest.fixture(scope="session")
def build_dir():
    value = os.environ.get("STRATA_BUILD_DIR")
    if not value:
        pytest.fail("STRATA_BUILD_DIR is not set; set it to a build directory such as build/dev", pytrace=False)
    path = pathlib.Path(value).resolve()
    if not (path / "CMakeCache.txt").is_file():
        pytest.fail(f"STRATA_BUILD_DIR={value} is no build directory: it has no CMakeCache.txt", pytrace=False)
    return path


@pytest.fixture(scope="session")
def run_program(build_dir):
    """Runs a program of the build and gives its standard output; an exit status other than 0 fails."""

    def run(name, *arguments, timeout=120):
        program = build_dir / "bin" / name
        if not program.is_file():
            pytest.fail(f"{program} is not built", pytrace=False)
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    return run


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; runs with --long alone")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    config.hook.pytest_deselected(items=[item for item in items if "long" in item.keywords])
    items[:] = [item for item in items if "long" not in item.keywords]


def pytest_sessionfinish(session):
    session.config.stash[SESSION] = session


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Ends the process with pytest's status once everything is written.

    Python ends daemon threads that run while it shuts down; where it does so to one of a peer inside of C++ code,
    the process aborts and the status of the tests is lost.
    """
    session = config.stash.get(SESSION, None)
    if session is None:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(session.exitstatus))
