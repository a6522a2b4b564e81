"""A project's own runner: one more option, and one more reporter."""

from django_probe.reporting import Reporter
from django_probe.simple import DjangoProbeSuiteRunner


class TicketReporter(Reporter):
    """One line for the ticket of a deploy."""

    def run_finished(self, summary):
        self.stream.write(f"{'go' if summary.ok else 'STOP'}: {summary.counts.total} probes\n")


class GateRunner(DjangoProbeSuiteRunner):
    """``PROBE_RUNNER = "deploy_gate.GateRunner"``: then ``manage.py probe --ticket FILE``."""

    @classmethod
    def add_arguments(cls, parser):
        super().add_arguments(parser)
        parser.add_argument("--ticket", metavar="FILE", help="note the verdict in a file")

    def get_reports(self):
        ticket = self.option("ticket")
        more = [self.get_report("deploy_gate.TicketReporter", ticket)] if ticket else []
        return super().get_reports() + more
