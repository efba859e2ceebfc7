"""House rules that no linter knows, one test per rule."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.states import JobStatus
from orchestrations.templatetags import ui
from tests.repository.tree import PRODUCT, PROGRAMS, ROOT, SITE, each_of, is_edge, parse, read

STATUSES = frozenset(JobStatus.values)
# Words that mean nothing else in this product; the others are also log levels, keys and adjectives.
PLAIN_STATUSES = frozenset({JobStatus.TERMINATING.value, JobStatus.TERMINATED.value, JobStatus.CANCELLED.value})
EDGES = [name for name in SITE if is_edge(name)]
PAGES_AND_API = [name for name in EDGES if "/management/" not in name]
# Where no request but a process begins, or work after a commit: a moment of its own, read for the verbs called.
PROCESS_EDGES = (
    "jobs/advancing.py",
    "jobs/broker/",
    "jobs/carrying/course.py",
    "jobs/performing.py",
    "jobs/rescuing.py",
    "jobs/sweeping.py",
    "orchestrations/session_store.py",
    "orchestrations/accounts.py",
    "scheduling/processes/",
)
# The floor below jobs draws statuses by their names; tests/repository keeps its words equal to the members.
STATUS_WORDS = "orchestrations/templatetags/ui.py"
ERROR_SHAPE = "orchestrations/api/errors.py"  # its "status" is the word of every refusal, not a job's
OUTSIDE_PROJECTS = {"User.objects.get"}  # people belong to no single project
ENVIRONMENT_READERS = {"orchestration_site/environment.py", "orchestration_site/wsgi.py"}
# What programs share among themselves, and the libraries that only they may load.
OF_PROGRAMS = ("jobs.processes", "jobs.components", "jobs.tables", "orchestrations.lib.addresses")
LIBRARIES_OF_COMPONENTS = frozenset({"duckdb", "psycopg", "pymysql", "sqlalchemy", "sqlglot", "urllib3"})
LIBRARIES = {"jobs/components/": LIBRARIES_OF_COMPONENTS, "jobs/tables/": frozenset({"arro3", "deltalake", "duckdb"})}
KNOW_DJANGO_Q = ("jobs/broker/", "jobs/management/commands/cluster.py")


@each_of(PRODUCT)
def test_a_file_has_at_most_300_lines(name: str) -> None:
    assert read(name).count("\n") <= 300


@each_of(PRODUCT)
def test_a_function_has_at_most_45_lines(name: str) -> None:
    functions = [node for node in ast.walk(parse(name)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 45]

    assert long == []


@each_of([name for name in SITE if name not in {"jobs/states.py", STATUS_WORDS, ERROR_SHAPE}])
def test_a_status_is_written_only_as_a_member(name: str) -> None:
    assert [f"line {node.lineno}" for node in find_status_literals(parse(name))] == []


@pytest.mark.parametrize("status", JobStatus)
def test_a_status_is_drawn_with_its_own_word(status: JobStatus) -> None:
    assert ui.status_word(status) == status.label


@each_of([name for name in SITE if not is_edge(name) and not name.startswith(PROCESS_EDGES)])
def test_the_domain_is_given_the_time(name: str) -> None:
    tree = parse(name)
    # What runs after the commit begins at a moment of its own.
    later = {
        id(node) for call in find_calls(tree) if ast.unparse(call.func) == "afterwards.do" for node in ast.walk(call)
    }

    readings = [
        f"line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "localtime", "utcnow", "today"}
        and ast.unparse(node.value).split(".")[-1] in {"timezone", "datetime", "date"}
        and id(node) not in later
    ]

    assert readings == []


@each_of(PAGES_AND_API)
def test_an_edge_looks_rows_up_through_the_project(name: str) -> None:
    unscoped = [
        f"line {node.lineno}: {ast.unparse(node.func)}"
        for node in find_calls(parse(name))
        if (ast.unparse(node.func).endswith(".objects.get") and ast.unparse(node.func) not in OUTSIDE_PROJECTS)
        or (ast.unparse(node.func).endswith("get_object_or_404") and node.args and isinstance(node.args[0], ast.Name))
    ]

    assert unscoped == []


@each_of(SITE)
def test_a_row_is_saved_by_named_fields(name: str) -> None:
    """Without update_fields a save overwrites what somebody else has changed meanwhile."""
    blind = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in find_calls(parse(name))
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in {"save", "asave"}
        and not ast.unparse(node.func.value).endswith(("form", "super()"))
        and not any(keyword.arg in {"update_fields", "force_insert", None} for keyword in node.keywords)
    ]

    assert blind == []


@each_of([name for name in SITE if name not in ENVIRONMENT_READERS])
def test_the_environment_is_read_in_one_place(name: str) -> None:
    tree = parse(name)

    reads = [
        f"line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ.get", "os.getenv", "os.environb"}
    ]
    reads += [
        f"line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and ast.unparse(node.value) == "os.environ"
    ]

    assert reads == []


@each_of([name for name in SITE if not name.startswith(KNOW_DJANGO_Q)])
def test_only_the_broker_knows_django_q(name: str) -> None:
    assert "django_q" not in {module.split(".")[0] for module in find_imports(parse(name))}


@each_of(SITE)
def test_nothing_flows_by_signals(name: str) -> None:
    assert not any(module.startswith("django.db.models.signals") for module in find_imports(parse(name)))


@each_of(PROGRAMS)
def test_a_program_of_its_own_needs_nothing_of_the_site(name: str) -> None:
    siblings = {file.stem for file in (ROOT / name).parent.glob("*.py")}
    libraries = next((known for folder, known in LIBRARIES.items() if name.startswith(folder)), frozenset())
    known = {*sys.stdlib_module_names, *siblings, *libraries}

    foreign = [
        module
        for module in find_imports(parse(name))
        if module.split(".")[0] not in known and not module.startswith(OF_PROGRAMS)
    ]

    assert foreign == []


@each_of(PRODUCT)
def test_a_module_is_named_for_what_it_does(name: str) -> None:
    assert Path(name).stem not in {"utils", "util", "helpers", "services", "common", "misc"}


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("job.status == 'success'", 1),
        ("jobs.filter(status='waiting')", 1),
        ("jobs.filter(status__in=['error', 'warning'])", 1),
        ("job.status = 'error'", 1),
        ("{'status': 'processing'}", 1),
        ("word = 'terminating'", 1),
        ("messages.error(request, 'error')", 0),
        ("job.status == JobStatus.SUCCESS", 0),
        ("answer(status='ok')", 0),
    ],
)
def test_status_literals_are_found(code: str, count: int) -> None:
    assert len(list(find_status_literals(ast.parse(code)))) == count


def find_calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def find_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def find_status_literals(tree: ast.AST) -> Iterator[ast.expr]:
    """Comparisons, arguments, assignments and dictionary entries that give a status as text."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                named = any(is_named_status(side) for side in sides)
            case ast.Assign():
                sides = [node.value]
                named = any(is_named_status(target) for target in node.targets)
            case ast.keyword(arg=str(word)):
                sides = [node.value]
                named = word == "status" or word.startswith("status__")
            case ast.Dict():
                keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
                sides = [value for key, value in zip(keys, node.values, strict=True) if key == "status"]
                named = True
            case ast.Constant():
                sides, named = [node], node.value in PLAIN_STATUSES
            case _:
                continue
        if named:
            yield from (side for side in sides if holds_status(side))


def is_named_status(node: ast.AST) -> bool:
    return ast.unparse(node).rsplit(".", 1)[-1] in {"status", "old_status", "new_status"}


def holds_status(node: ast.AST) -> bool:
    parts = ast.walk(node) if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
    return any(isinstance(part, ast.Constant) and part.value in STATUSES for part in parts)
