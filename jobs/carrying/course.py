"""The steps of an attempt beside its component: tables in before it, tables out after it (DESIGN §6).

1. export the input tables, 2. (the component), 3. stage: write the files of all outputs, 4. decide: one transaction
writes the intents, 5. commit, one after another, 6. settle, with the rows of tables and updates.
Until the decision a stop means that nothing is loaded; from it on the import is carried out, by whomever.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from jobs import claiming, concluding, logs, preparing, rescuing
from jobs.carrying import inputs, intents, outputs, program
from jobs.carrying.intents import Facts, Staged, Verdict
from jobs.carrying.program import Entry, Failed, Stopped
from jobs.ends import End
from jobs.mapping import InvalidOutput, Output
from jobs.models import Job, TableImport
from jobs.preparing import Attempt, CannotStart
from jobs.processes.protocol import ExitRecord, ProcessSpec, read_exit_record
from jobs.states import JobStatus
from jobs.supervising import UnfitMachine, insist
from orchestrations import tables
from orchestrations.components import catalogue
from orchestrations.mappings import Mapping
from orchestrations.models import Token
from orchestrations.tables import InvalidTable

log = logging.getLogger(__name__)

STAGINGS = 20
"""So often the tables of a job may change under it before we give up."""
PATIENCE_SECONDS = 1.0
"""How long another job's decided import may take before we carry it out ourselves."""
LOOK_SECONDS = 0.1
TRY_AGAIN_SECONDS = 30.0
GIVE_UP_SECONDS = 6 * 3600
"""So long an import that is decided is tried again while the storage fails."""
INTERNAL = "Its tables could not be loaded because of an internal error. The log of the worker says more."

Run = Callable[[ProcessSpec], ExitRecord | None]
"""Runs a process of the attempt to its end, under the job's lease; None when the job is somebody else's now."""


class Course:
    """One worker's way through one attempt."""

    def __init__(self, job: Job, attempt: Attempt, run: Run) -> None:
        self.job = job
        self.attempt = attempt
        self._run = run
        self._record: ExitRecord | None = None
        self._inputs: list[dict[str, Any]] = []
        self._is_decided = False
        self.is_left = False
        """Not over and not ours any more: the folder stays, and a rescuer of this machine gives it to a worker."""

    def has_begun(self) -> bool:
        """Whether an earlier worker has brought this attempt past its component: ``finish`` goes on from there."""
        self._is_decided = insist(lambda: intents.is_decided(self.job.pk))
        self._record = read_exit_record(self.attempt.folder, self.attempt.fence)
        return self._is_decided or (self._record is not None and concluding.is_success(self._record))

    # --- Tables in -----------------------------------------------------------------------------

    def bring_in(self, mapping: Mapping) -> None:
        """Write the input tables into the data folder. Raises CannotStart, Failed, Stopped."""
        with preparing.cannot_start():
            component = catalogue.get(self.job.component_id)
        entries = insist(lambda: inputs.entries(self.job, self.attempt, component, mapping))
        self._program(program.EXPORT, entries)

    # --- Tables out ----------------------------------------------------------------------------

    def finish(self, record: ExitRecord | None = None, mapping: Mapping | None = None) -> End | None:
        """Load what the component left; how the job ends then. None: it was stopped, and that is seen to already.

        Without the record of the component and its mapping it goes on after ``has_begun``.
        """
        self._record = record or self._record
        try:
            return self._carry_out() if self._is_decided else self._bring_out(mapping)
        except Stopped:
            self._leave()
        except UnfitMachine:
            log.exception("The tables of job %s cannot be loaded on this machine now", self.job.pk)
            self._leave(TRY_AGAIN_SECONDS)
        except Exception as error:
            if not self._is_decided:
                return _end_of(error, self.job.pk)
            log.exception("The tables of job %s could not be loaded yet; it is tried again", self.job.pk)
            self._leave(TRY_AGAIN_SECONDS)
        return None

    def _bring_out(self, mapping: Mapping | None) -> End:
        """Raises CannotStart, Failed, Stopped, UnfitMachine."""
        assert self._record is not None
        if mapping is None:
            mapping = insist(lambda: preparing.mapping_of(self.job))
        end = concluding.end_of(self._record, self.attempt)
        for _ in range(STAGINGS if end.status == JobStatus.SUCCESS else 0):
            staged = self._stage(mapping)
            decided = replace(end, result=self._result(end, mapping, staged))
            if not staged:
                return decided
            verdict = self._decide(staged, decided)
            if verdict is Verdict.WRITTEN:
                return self._carry_out()
            if verdict is Verdict.VOID:
                raise Stopped(None)
        if end.status == JobStatus.SUCCESS:
            raise Failed("Its tables were changed again and again while they were loaded.", "application")
        return end

    def _carry_out(self) -> End:
        """Commit what is decided. Raises Failed when it is to be tried again, Stopped, UnfitMachine."""
        self._is_decided = True
        imports = insist(lambda: intents.of(self.job.pk))
        end = intents.end_of(imports)
        committed, problem = self._commit([each for each in imports if each.committed_at is None])
        sentences = [each.error for each in imports if each.error]
        if problem is not None or sentences:
            return replace(concluding.error_end(problem or sentences[0], "user"), committed=committed)
        return replace(end, committed=committed)

    def _stage(self, mapping: Mapping) -> list[Staged]:
        """Write the files of all outputs; nothing of them is visible."""
        with preparing.cannot_start():
            component = catalogue.get(self.job.component_id)
        try:
            found = outputs.resolve(self.job, self.attempt, component, mapping)
            self._check_access_again(mapping, {str(each.destination.bucket) for each in found})
            known = insist(lambda: outputs.known_tables(self.job.project_id, found))
            pairs = [(each, known.get(str(each.destination))) for each in found]
            entries = [
                outputs.entry(
                    each, table, table.table.location if table else _new_location(self.job, each), self.attempt
                )
                for each, table in pairs
            ]
            answers = self._program(program.STAGE, entries) if entries else []
            return [
                outputs.staged(each, table, asked, answer)
                for (each, table), asked, answer in zip(pairs, entries, answers, strict=True)
            ]
        except InvalidOutput as error:
            raise Failed(str(error), "user") from error
        except concluding.MalformedOutput as error:
            raise Failed(str(error), "application") from error

    def _decide(self, staged: Sequence[Staged], end: End) -> Verdict:
        waiting_since = time.monotonic()
        while True:
            verdict = insist(lambda: intents.write(self.job, self.attempt.fence, staged, end, now=timezone.now()))
            if verdict is not Verdict.BUSY:
                return verdict
            if time.monotonic() - waiting_since < PATIENCE_SECONDS:
                time.sleep(LOOK_SECONDS)
            else:
                # Its worker may have died, and the worker that could go on with it may be this one.
                self._help(insist(lambda: intents.in_the_way_of(self.job, staged)))

    def _help(self, others: Sequence[TableImport]) -> None:
        if others:
            committed, _ = self._commit(others)
            insist(lambda: intents.keep(committed, now=timezone.now()))

    def _commit(self, imports: Sequence[TableImport]) -> tuple[dict[int, Facts], str | None]:
        """What came of each import, and the sentence of the first that could not be carried out."""
        committed: dict[int, Facts] = {}
        problem: str | None = None
        left = list(imports)
        while left:
            try:
                answers = self._program(program.COMMIT, [intents.entry_of(each) for each in left])
            except Failed as error:
                answers = error.done
                if len(answers) < len(left):
                    at_fault = left[len(answers)]
                    if error.error_type != "user" and not _is_hopeless(at_fault):
                        raise
                    committed[at_fault.pk] = {"error": error.message}
                    problem = problem or error.message
            committed |= {each.pk: answer for each, answer in zip(left, answers, strict=False)}
            left = [each for each in left if each.pk not in committed]
        return committed, problem

    # --- Private -------------------------------------------------------------------------------

    def _program(self, verb: str, entries: Sequence[Entry]) -> list[Entry]:
        try:
            spec = program.spec_of(self.attempt, verb, entries)
        except OSError as error:
            raise UnfitMachine(str(error)) from error
        record = self._run(spec)
        if record is None:
            raise Stopped(None)
        try:
            return program.answer_of(self.attempt, verb, record)
        except Failed as error:
            logs.add(self.attempt, "\n".join(filter(None, [error.detail, error.message])))
            raise

    def _leave(self, seconds: float = 0) -> None:
        """To a worker that goes on from here; a job that is being terminated ends instead."""
        self.is_left = insist(lambda: self._hand_on(seconds))
        if not self.is_left and not self._is_decided:
            insist(lambda: rescuing.interrupt(self.job.pk, self.attempt.fence, now=timezone.now()))

    def _hand_on(self, seconds: float) -> bool:
        if self._is_decided:
            intents.release(self.job.pk, self.attempt.fence, seconds=seconds)
            return False  # nothing of the folder is needed any more
        return claiming.leave(self.job.pk, self.attempt.fence, seconds=seconds)

    def _check_access_again(self, mapping: Mapping, writes: set[str]) -> None:
        """With the token as it is now: it may have been narrowed, or deleted, while the component ran (R18)."""
        token_id = self.job.token_id
        if token_id is not None:
            self.job.token = insist(lambda: Token.objects.select_related("user").filter(pk=token_id).first())
        now = timezone.now()
        with preparing.cannot_start():
            insist(lambda: preparing.check_access(self.job, now, reads=mapping.reads, writes=writes))

    def _result(self, end: End, mapping: Mapping, staged: Sequence[Staged]) -> dict[str, Any]:
        result = inputs.in_result(end.result, self.attempt, mapping)
        return {**result, "output": {"tables": outputs.told(staged)}}


def _end_of(error: Exception, job_id: int) -> End:
    if isinstance(error, Failed):
        return concluding.error_end(error.message, error.error_type)
    if isinstance(error, CannotStart | InvalidTable):
        return concluding.error_end(str(error), "user")
    log.exception("The tables of job %s could not be loaded", job_id)
    return concluding.error_end(INTERNAL, "application")


def _is_hopeless(each: TableImport) -> bool:
    return (timezone.now() - each.created_at).total_seconds() > GIVE_UP_SECONDS


def _new_location(job: Job, output: Output) -> str:
    return tables.location_for(job.project_id, output.destination)
