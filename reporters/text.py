"""temporary"""
from django_probe.reporting import Reporter
class TextReporter(Reporter):
    accepts = frozenset({"verbosity"})
    def __init__(self, stream, verbosity=1):
        super().__init__(stream)
        self.v = verbosity
    def probe_finished(self, r):
        if self.v>1 or r.outcome.value!='passed':
            self.stream.write(f"{r.outcome} {r.probe.label} {r.duration:.3f} {r.error.message if r.error else ''} {r.reason} {[ (s.description, s.outcome.value) for s in r.subtests]} out={r.stdout!r} err={r.stderr!r} cl={[c.message for c in r.cleanup_errors]}\n")
            if self.v>2 and r.error: self.stream.write(r.error.traceback)
    def fixture_failed(self, e): self.stream.write(f"{e}\n")
    def target_failed(self, e): self.stream.write(f"{e}\n")
    def run_finished(self, s): self.stream.write(f"{s.counts} {s.ok} {s.exit_code}\n")
