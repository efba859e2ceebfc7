"""The component `python-transformation`, run as the process that a job would run."""

import base64
import csv
import hashlib
import json
import os
import runpy
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orchestrations.components import catalogue
from tests.jobs.components.data_folders import JobFolder, told

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `code` in a fresh data folder, with nothing in the environment but what is given."""

    def run(code: str, packages: list[Any] | None = None, **environment: str) -> Ran:
        folder = tmp_path / f"data-{time.monotonic_ns()}"
        folder.mkdir()
        config = {"parameters": {"code": code, "packages": packages or []}}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        words = catalogue.get("python-transformation").command
        assert words is not None
        environment = {"KBC_DATADIR": str(folder), **environment}
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, str]:
    """Environment in which pip knows one package, `tutti-greeting 1.0`, and no index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    files = {
        "tutti_greeting.py": b"def greet(): return 'hello from the package'\n",
        "tutti_greeting-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tutti-greeting\nVersion: 1.0\n",
        "tutti_greeting-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "tutti_greeting-1.0.dist-info/RECORD"
    lines = [f"{name},sha256={digest(content)},{len(content)}\n" for name, content in files.items()]
    with zipfile.ZipFile(folder / "tutti_greeting-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr(record, "".join(lines) + f"{record},,\n")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "TUTTI_CACHE_DIR": str(tmp_path / "cache")}


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def last_line(ran: Ran) -> str:
    return ran.stderr.strip().splitlines()[-1]


def test_code_runs_as_main_in_the_data_folder_and_what_it_prints_is_the_log(run: Run) -> None:
    ran = run("import os\nprint(__name__, os.path.exists('config.json'), 'žluť')")

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "__main__ True žluť\n", "")


def test_lines_are_out_as_soon_as_they_are_printed(tmp_path: Path) -> None:
    code = "import sys\nprint('first')\nsys.stdin.readline()"
    (tmp_path / "config.json").write_text(json.dumps({"parameters": {"code": code}}), encoding="utf-8")
    words = catalogue.get("python-transformation").command
    assert words is not None

    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env={"KBC_DATADIR": str(tmp_path)}, **pipes) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.communicate("\n", timeout=60)

    assert first == "first\n"
    assert process.returncode == 0


def test_an_error_ends_with_the_line_and_the_error_and_shows_only_the_users_code(run: Run) -> None:
    ran = run("import json\ndef read(text):\n    return json.loads(text)\n\nread('{')")

    assert ran.returncode == 1
    # Newer Pythons underline what failed.
    lines = [line for line in ran.stderr.splitlines() if line.strip(" ~^")]
    assert lines[:5] == [
        "Traceback (most recent call last):",
        '  File "code", line 5, in <module>',
        "    read('{')",
        '  File "code", line 3, in read',
        "    return json.loads(text)",
    ]
    assert last_line(ran).startswith("line 3: json.decoder.JSONDecodeError: Expecting property name")
    assert "main.py" not in ran.stderr
    assert "json/decoder.py" not in ran.stderr


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = {}\n\nx['a']", "line 3: KeyError: 'a'"),
        ("x = 1\nif x\n    pass", "line 2: SyntaxError: expected ':'"),
        ("raise Exception", "line 1: Exception"),
        ("raise ValueError('first\\nsecond')", "line 1: ValueError: first"),
        ("def f(): f()\nf()", "line 1: RecursionError: maximum recursion depth exceeded"),
        ("class Bad(Exception):\n    def __str__(self): 1 / 0\nraise Bad", "line 3: Bad: <exception str() failed>"),
        ("raise KeyboardInterrupt", "line 1: KeyboardInterrupt"),
    ],
)
def test_an_error_of_the_user_is_exit_code_1_with_one_line_of_message(run: Run, code: str, message: str) -> None:
    ran = run(code)

    assert ran.returncode == 1
    assert last_line(ran) == message


def test_causes_and_groups_are_told_too(run: Run) -> None:
    chained = run("try:\n    1 / 0\nexcept ArithmeticError as error:\n    raise ValueError('no rate') from error")
    grouped = run("raise ExceptionGroup('both', [ValueError('one'), KeyError('two')])")

    assert "ZeroDivisionError: division by zero" in chained.stderr
    assert last_line(chained) == "line 4: ValueError: no rate"
    assert "ValueError: one" in grouped.stderr
    assert last_line(grouped) == "line 1: ExceptionGroup: both (2 sub-exceptions)"


@pytest.mark.parametrize(
    ("code", "exit_code", "error"),
    [("exit()", 0, ""), ("exit('No orders today.')", 1, "No orders today.\n"), ("import sys\nsys.exit(3)", 3, "")],
)
def test_the_code_may_choose_how_it_ends(run: Run, code: str, exit_code: int, error: str) -> None:
    ran = run(code)

    assert (ran.returncode, ran.stderr) == (exit_code, error)


def test_packages_of_the_site_are_not_there_and_the_message_says_what_to_do(run: Run) -> None:
    ran = run("import django")

    assert ran.returncode == 1
    assert last_line(ran).startswith("line 1: ModuleNotFoundError: No module named 'django' (packages that")


def test_a_broken_data_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    words = catalogue.get("python-transformation").command
    assert words is not None

    missing = subprocess.run(words, env={"KBC_DATADIR": str(tmp_path)}, capture_output=True, text=True, check=False)
    unset = subprocess.run(words, env={}, capture_output=True, text=True, check=False)

    assert missing.returncode == unset.returncode == 2
    assert missing.stderr.startswith("config.json of the data folder cannot be read: ")
    assert unset.stderr == "KBC_DATADIR is not set: this program runs as a job.\n"


@pytest.mark.slow
def test_packages_are_installed_once_for_two_jobs_at_once_and_kept(run: Run, wheels: dict[str, str]) -> None:
    code = "import sys, tutti_greeting\nprint(tutti_greeting.greet(), sys.prefix)"
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: run(code, ["tutti-greeting == 1.0"], **wheels), range(2)))
    third = run(code, ["tutti-greeting==1.0", "tutti-greeting==1.0"], **wheels)

    assert [ran.returncode for ran in (*both, third)] == [0, 0, 0], both
    assert sum("Installing tutti-greeting==1.0.\n" in ran.stdout for ran in both) == 1
    assert third.stdout.startswith("hello from the package ")
    assert {ran.stdout.splitlines()[-1] for ran in both} == {third.stdout.strip()}


@pytest.mark.slow
def test_what_a_killed_build_left_behind_is_built_anew(
    run: Run, wheels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = runpy.run_path(str(Path(catalogue.get("python-transformation").folder) / "prepare.py"))
    monkeypatch.setenv("TUTTI_CACHE_DIR", wheels["TUTTI_CACHE_DIR"])
    left: Path = program["environment_folder"](["tutti-greeting"])
    (left / "bin").mkdir(parents=True)
    (left / "bin" / "python").symlink_to("/nowhere")

    again = run("import tutti_greeting", ["tutti-greeting"], **wheels)

    assert again.returncode == 0, again.stderr
    assert "Installing tutti-greeting." in again.stdout


@pytest.mark.slow
def test_a_package_that_does_not_exist_is_an_error_of_the_user(run: Run, wheels: dict[str, str]) -> None:
    ran = run("pass", ["tutti-no-such-thing"], **wheels)

    assert ran.returncode == 1
    assert ran.stderr == "The packages cannot be installed: No matching distribution found for tutti-no-such-thing\n"
    assert list(Path(wheels["TUTTI_CACHE_DIR"]).glob("python-environments/*/tutti-ready.json")) == []


@pytest.mark.parametrize(
    "package",
    [
        "--requirement=x",
        "-r file",
        "../evil",
        "/tmp/x.whl",
        "a @ https://x/y.whl",
        "https://x/y",
        "a; b",
        "a b",
        "",
        "a\nb",
        5,
    ],
)
def test_only_names_with_versions_reach_pip(run: Run, wheels: dict[str, str], package: object) -> None:
    ran = run("pass", [package], **wheels)

    assert ran.returncode == 1
    assert last_line(ran).endswith("is not a package name with an optional version.")
    assert not os.path.exists(wheels["TUTTI_CACHE_DIR"])


@pytest.mark.parametrize("package", ["pandas", "duckdb==1.4.1", "a[b,c]>=1,<2", "x ~= 1.0", "ruamel.yaml", "q!=1.*"])
def test_names_with_versions_are_package_names(package: str) -> None:
    program = Path(catalogue.get("python-transformation").folder) / "prepare.py"
    config = {"parameters": {"packages": [package]}}
    check = f"import runpy; print(runpy.run_path({str(program)!r})['requirements']({config}))"

    ran = subprocess.run([sys.executable, "-I", "-c", check], capture_output=True, text=True, check=False)

    assert ran.stdout.strip() == str([package.replace(" ", "")])


def test_packages_without_a_place_for_them_are_an_error_of_ours(run: Run) -> None:
    ran = run("pass", ["pandas"])

    assert (ran.returncode, ran.stderr.startswith("TUTTI_CACHE_DIR is not set")) == (2, True)


def mapped(job: JobFolder, code: str, *outputs: str) -> Ran:
    tables = [{"source": source, "destination": f"out.c-test.table-{place}"} for place, source in enumerate(outputs)]
    return job.run("python-transformation", {"code": code}, storage={"output": {"tables": tables}})


def test_the_template_of_a_new_configuration_works_on_mapped_tables(job: JobFolder) -> None:
    job.give_csv("orders.csv", [["id", "price", "note"], ["1", "99.9", ""], ["2", "100", 'two\nlines, "quoted"']])

    ran = mapped(job, catalogue.get("python-transformation").template["code"], "large_orders.csv")

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "1 large orders.\n", "")
    with (job.out_tables / "large_orders.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["id", "price", "note"], ["2", "100", 'two\nlines, "quoted"']]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("pass", "Nothing was written there."),
        ("open('out/tables/reslut.csv', 'w'); open('out/tables/x.csv.manifest', 'w')", "There are: reslut.csv."),
        ("open('result.csv', 'w')", "It was written to result.csv instead."),
        ("open('out/result', 'w')", "It was written to out/result instead."),
    ],
)
def test_a_missing_output_table_is_named_with_what_is_there(job: JobFolder, code: str, hint: str) -> None:
    ran = mapped(job, code, "result")

    assert told(ran) == f"The output table out/tables/result is missing. {hint}"


@pytest.mark.parametrize("name", ["result", "result.csv", "result.csv.gz", "result.parquet"])
def test_the_ending_of_an_output_table_may_be_left_out(job: JobFolder, name: str) -> None:
    assert mapped(job, f"open('out/tables/{name}', 'w')", "result").returncode == 0


def test_a_missing_input_table_is_told_with_those_that_are_there(job: JobFolder) -> None:
    code = "open('in/tables/order.csv')"
    none = mapped(job, code)
    job.give_csv("orders.csv", [["id"]])

    some = mapped(job, code)

    assert last_line(none).endswith("(input tables: none; choose them in the input mapping)")
    assert last_line(some).endswith("No such file or directory: 'in/tables/order.csv' (input tables: orders.csv)")
