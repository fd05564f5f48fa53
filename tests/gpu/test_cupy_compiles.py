"""NVIDIA's compilers accept every kernel, for GPUs from Turing on; no GPU is needed."""

import hashlib
import importlib.util
import itertools
import pathlib
import shutil
import subprocess

import on_cpu
import pytest

import minivision

FOLDER = pathlib.Path(minivision.__file__).with_name("kernels") / "cupy"
FILES = sorted(path.name for path in FOLDER.glob("*.cu"))
ARCHITECTURES = ("75", "80", "90")


def test_there_are_kernels_and_they_are_installed_with_the_package():
    assert len(FILES) > 5
    setup = FOLDER.parents[2] / "setup.cfg"
    if not setup.exists():
        pytest.skip("the package is not run from its repository")
    assert "**/*.cu" in setup.read_text()


@pytest.mark.parametrize("real", ["float", "double"])
@pytest.mark.parametrize("file", FILES)
def test_nvcc_compiles_to_ptx(file, real):
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("there is no nvcc")
    targets = [f"-gencode=arch=compute_{number},code=compute_{number}" for number in ARCHITECTURES]
    command = [nvcc, "-fatbin", *targets, f"-Dreal={real}", "--fmad=false", "-Werror=all-warnings"]
    version = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    key = hashlib.sha256("\0".join([version, *command, (FOLDER / file).read_text()]).encode()).hexdigest()
    passed = on_cpu.cache_folder() / f"{key}.fatbin"
    if not passed.exists():
        result = subprocess.run([*command, FOLDER / file, "-o", f"{passed}.new"], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        pathlib.Path(f"{passed}.new").replace(passed)


def test_nvrtc_compiles_to_ptx_as_cupy_would():
    """CuPy compiles with NVRTC, which has no header files, unlike nvcc."""
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("NVRTC is used through CuPy, which is not installed")
    from cupy.cuda import nvrtc

    try:
        nvrtc.getVersion()
    except Exception as error:  # of CuPy or of the search for its libraries
        pytest.skip(f"CuPy finds no NVRTC: {error}")
    for file, real, number in itertools.product(FILES, ("float", "double"), ARCHITECTURES):
        program = nvrtc.createProgram((FOLDER / file).read_text(), file, (), ())
        options = (f"-Dreal={real}", "--fmad=false", f"-arch=compute_{number}", "-std=c++14")
        try:
            nvrtc.compileProgram(program, options)
        except nvrtc.NVRTCError as error:
            raise AssertionError(nvrtc.getProgramLog(program)) from error
        assert b".entry" in nvrtc.getPTX(program)
