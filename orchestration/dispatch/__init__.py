"""Starting runs: check the request, store it frozen, queue it once the transaction is through."""

from orchestration.dispatch.queueing import answer_question, queue_run, resume_run, send_message
from orchestration.dispatch.starting import Origin, start_run, store_run

__all__ = ["Origin", "answer_question", "queue_run", "resume_run", "send_message", "start_run", "store_run"]
