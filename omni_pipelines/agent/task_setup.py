"""Puts a task together: its session, the tools of its release, what decides, and the receipt of its answer.

What reads a release is imported when it is needed, so that a task begins at once.
"""

from collections.abc import Mapping, Sequence

from omni_pipelines.agent.journal import Listener, TaskJournal
from omni_pipelines.agent.person import Person
from omni_pipelines.agent.reasoner import Reasoner, TaskReport
from omni_pipelines.agent.session import MAX_TASK_LENGTH, TaskRecord, TaskSession, new_session_id
from omni_pipelines.agent.spending import Spending, price_of
from omni_pipelines.agent.task_approver import TaskApprover
from omni_pipelines.agent.task_model import REPLY_TOKENS, AskModel, TaskModel
from omni_pipelines.agent.task_nodes import TaskTools
from omni_pipelines.agent.task_runner import TaskRunner
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.language_models.port import Message, ModelTool, Turn, complete
from omni_pipelines.record_fields import now
from omni_pipelines.settings import Settings
from omni_pipelines.variant_registry import VariantRegistry

EXTRACTIVE = "extractive"
"""The name of what answers without a language model."""
TOKENS = 50_000
"""Tokens of the language model that a task may use, unless its person says another number."""


def new_session(
    home: Home,
    settings: Settings,
    task: str,
    release: int | None = None,
    *,
    steps: int | None = None,
    tokens: int = TOKENS,
    approvals: tuple[str, ...] = (),
) -> TaskSession:
    """The session of a new task, which reads one release from beginning to end.

    Raises:
        ConfigurationError: the task is empty or too long, or there is no such release.
        HomeError: there is no home.
    """
    task = task.strip()
    if not task:
        raise ConfigurationError("the task is empty", cure="say what to do: omni run TASK")
    if len(task) > MAX_TASK_LENGTH:
        problem = f"the task has {len(task):,} characters, but at most {MAX_TASK_LENGTH:,} are read"
        raise ConfigurationError(problem, cure="put the text into a file, and name the file in the task")
    created = now()
    record = TaskRecord(
        id=new_session_id(created),
        task=task,
        release=require_release(home, release).release,
        model=_model_name(settings),
        steps=steps,
        tokens=tokens,
        approvals=approvals,
        created=created,
    )
    return TaskSession.create(home, record)


def _model_name(settings: Settings) -> str:
    return settings.llm or settings.llm_model or ("unnamed" if settings.llm_url else EXTRACTIVE)


def task_runner(home: Home, settings: Settings, person: Person, listener: Listener) -> TaskRunner:
    """What carries out the tasks of a home."""

    def open_tools(session: TaskSession, approver: TaskApprover) -> TaskTools:
        from omni_pipelines.agent.gated_tools import gated_tools

        return gated_tools(home, session, approver)

    def open_reasoner(session: TaskSession, journal: TaskJournal, spending: Spending) -> Reasoner:
        return reasoner_of(settings, session, journal, spending)

    def prove(session: TaskSession, report: TaskReport) -> None:
        _write_receipt(home, session, report)

    return TaskRunner(open_tools, open_reasoner, prove, person, listener=listener)


def reasoner_of(
    settings: Settings, session: TaskSession, journal: TaskJournal, spending: Spending, ask: AskModel | None = None
) -> Reasoner:
    """What decides in a session: the language model that it was begun with, or none. `ask` replaces that model."""
    model = session.record.model
    if model == EXTRACTIVE:
        from omni_pipelines.agent.extractive import ExtractiveReasoner

        return ExtractiveReasoner()
    from omni_pipelines.agent.context_manager import ContextManager
    from omni_pipelines.agent.local_reasoner import LocalReasoner
    from omni_pipelines.agent.model_reasoner import ModelReasoner
    from omni_pipelines.text.engines import load_counter

    price, count = price_of(model, settings.llm_prices), load_counter(settings).count
    context = ContextManager(settings.llm_context - REPLY_TOKENS, count, session.keep)
    deciding = LocalReasoner if model == settings.llm else ModelReasoner
    return deciding(TaskModel(ask or asking(settings), session, journal, spending, count, context, price))


def asking(settings: Settings) -> AskModel:
    """What asks the language models of the settings."""
    from omni_pipelines.language_models.variants import register_language_models

    models = VariantRegistry()
    register_language_models(models, settings, settings.llm_context)

    def ask(messages: Sequence[Message], schema: Mapping[str, object] | None, tools: Sequence[ModelTool]) -> Turn:
        return complete(models, messages, schema, REPLY_TOKENS, tools=tools).value

    return ask


def _write_receipt(home: Home, session: TaskSession, report: TaskReport) -> None:
    """Write the receipt of a cited answer whose every sentence can be verified, as those of `omni ask` can.

    A language model may cite a whole passage, which proves no sentence; then there is no receipt.
    """
    if report.answer is None or not report.answer.sentences:
        return
    from native.durable import write_whole
    from omni_pipelines.knowledge.answers.receipts import make_receipt, receipt_bytes
    from omni_pipelines.knowledge.answers.verification import ReceiptOutcome, verify_receipt
    from omni_pipelines.knowledge.state.snapshot import Snapshot

    content = receipt_bytes(make_receipt(Snapshot.open(home, report.answer.release), report.answer, {}))
    if verify_receipt(home, content).outcome is ReceiptOutcome.VERIFIED:
        write_whole(session.receipt_file, content)
