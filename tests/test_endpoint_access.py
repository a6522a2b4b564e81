"""Who may ask ``/probe/``, and what the others learn: nothing."""

from __future__ import annotations

import http.client
import json
import re
import socket

import pytest
from serving import BASE, FILES, LAST, TOKEN, VERDICT, serving
from support import Project

pytestmark = pytest.mark.once

HASHED = "a-third-token-of-which-only-a-hash-is-kept"

PROBES = """
    import unittest
    from pathlib import Path
    class Checkout(unittest.TestCase):
        def test_pay(self):
            with Path("runs.txt").open("a") as stream:
                stream.write("x")
        def test_ship(self):
            self.fail("parcels wait")
"""
ACCESS = """
    def by_header(request):
        if "HTTP_X_BROKEN" in request.META:
            raise RuntimeError("not today")
        return request.META.get("HTTP_X_DOOR") == "open"
    def truthy(request):
        return "yes"
    def anybody(request):
        return True
"""
WEB = """
    import hashlib
    INSTALLED_APPS = [
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
        "shop", "django_probe",
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "lib.counting.Counting",
    ]
    DATABASES["default"]["ATOMIC_REQUESTS"] = True
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    PROBE_ACCESS = "lib.access.by_header"
"""
HASHED_TOKEN = f"""
    import hashlib
    PROBE_TOKENS += ["sha256:" + hashlib.sha256(b"{HASHED}").hexdigest()]
"""
COUNTING = """
    from django.db import connection
    class Counting:
        def __init__(self, get_response):
            self.get_response = get_response
        def __call__(self, request):
            connection.force_debug_cursor = True
            connection.queries_log.clear()
            response = self.get_response(request)
            response["X-Queries"] = str(len(connection.queries_log))
            response["X-Session"] = str(request.session.accessed)
            return response
"""
USERS = """
    from django.contrib.auth.models import Permission, User
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    import json
    told = {}
    for name in ("root", "allowed", "staff", "plain", "gone"):
        user = User.objects.create(username=name, is_staff=name != "plain")
        user.is_superuser = name == "root"
        user.is_active = name != "gone"
        user.save()
        if name in ("allowed", "plain", "gone"):
            user.user_permissions.add(Permission.objects.get(codename="run_probes"))
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        told[name] = session.session_key
    print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    files = {
        **FILES,
        "shop/probes.py": PROBES,
        "lib/access.py": ACCESS,
        "lib/counting.py": COUNTING,
    }
    folder = tmp_path_factory.mktemp("access") / "project"
    return Project.make(folder, files, BASE + WEB + HASHED_TOKEN + LAST)


@pytest.fixture(scope="module")
def sessions(project):
    done = project.manage("migrate", "-v0")
    assert done.returncode == 0, done.stderr
    project.write("users.py", USERS)
    done = project.manage("shell", "-v0", "-c", "import users")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def server(project, sessions):
    with serving(project) as server:
        yield server


def runs(project):
    path = project.folder / "runs.txt"
    return len(path.read_text()) if path.exists() else 0


PATHS = ["/probe/", "/probe/shop.Checkout/", "/probe/nope/", "/probe/?nope=1", "/probe/-/runs/abc/", "/probe/-/metrics", "/probe/-/schema.json"]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT"])
def test_without_a_credential_every_answer_is_the_same(server, project, method):
    before = runs(project)
    answers = [server.ask(path, method=method, token=None) for path in PATHS]
    assert {answer.status for answer in answers} == {401}
    assert server.ask("/probe/?format=nope", method=method, token=None).status == 401
    assert len({answer.body for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer realm="probe"'}
    assert not any("X-Probe-Ok" in answer.headers for answer in answers)
    assert runs(project) == before


@pytest.mark.parametrize(
    "credential",
    [
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer tok\xe9n-with-a-letter-that-is-not-ascii-at-all",
        "Bearer \xff\xfe",
        f"Token {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        "",
    ],
)
def test_a_wrong_credential_is_401(server, project, credential):
    before = runs(project)
    answer = server.ask(token=None, Authorization=credential)
    assert answer.status == 401
    assert runs(project) == before


@pytest.mark.parametrize("credential", [f"Bearer {TOKEN}", f"bearer  {TOKEN} ", f"Bearer {HASHED}"])
def test_a_token_opens_by_get_and_by_post(server, credential):
    for method in ("GET", "POST"):
        answer = server.ask(method=method, token=None, Authorization=credential)
        assert (answer.status, answer.json()["summary"]["total"]) == (503, 2)


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization", "api_key", "key"])
def test_a_token_in_the_query_is_refused_and_the_header_named(server, name):
    for token in (None, TOKEN):
        answer = server.ask(f"/probe/?{name}={TOKEN}", token=token)
        assert answer.status == 400
        assert "Authorization: Bearer" in answer.text
        assert TOKEN not in answer.text


FORMATS = ["json", "junit", "tap", "text", "jsonl", "html", "ctrf", "github", "markdown", "nagios", "openmetrics"]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_the_scope_verdict_tells_counts_and_no_names(server, name):
    answer = server.ask(f"/probe/?format={name}", token=VERDICT)
    assert (answer.status, answer.headers["X-Probe-Ok"]) == (503, "false")
    assert "manage.py" not in answer.text
    for secret in ("Checkout", "test_pay", "parcels", "shop", socket.gethostname() + '"'):
        assert secret not in answer.text
    with server.stream("/probe/?stream=1") as response:
        assert b"Checkout" in response.read()
    streamed = server.ask("/probe/?stream=1", token=VERDICT)
    assert (streamed.status, "Checkout" in streamed.text) == (200, False)
    summary = json.loads(streamed.text.splitlines()[-1])["summary"]
    assert (summary["counts"]["passed"], summary["counts"]["failed"]) == (1, 1)


def test_the_scope_verdict_may_not_ask_afresh_nor_learn_labels(server):
    assert server.ask("/probe/?fresh=1", token=VERDICT).status == 403
    answer = server.ask("/probe/shop.Chekcout/", token=VERDICT)
    assert (answer.status, "Checkout" in answer.text) == (404, False)


def test_probe_access_lets_in_whom_it_likes(server):
    for method in ("GET", "POST"):
        assert server.ask(token=None, method=method, x_door="open").status == 503
    assert server.ask(token=None, x_door="shut").status == 401
    assert server.ask(token=None, x_door="open", x_broken="1").status == 401
    assert server.ask(token="wrong", x_door="open").status == 401


def test_only_true_opens(project):
    with serving(project, EXTRA="PROBE_ACCESS = 'lib.access.truthy'") as server:
        assert server.ask(token=None).status == 401


def cookies(sessions, name, csrf=""):
    return f"sessionid={sessions[name]}" + (f"; csrftoken={csrf}" if csrf else "")


CSRF = "a" * 32


def test_a_session_of_staff_sees_the_last_result_and_runs_by_post(server, project, sessions):
    path = "/probe/shop.Checkout.test_pay/"
    for name in ("allowed", "root"):
        cookie = cookies(sessions, name, CSRF)
        seen = server.ask(path, token=None, cookie=cookie)
        assert seen.status == (404 if name == "allowed" else 200)
        before = runs(project)
        posted = server.ask(f"{path}?fresh=1", "POST", token=None, cookie=cookie, x_csrftoken=CSRF)
        assert posted.status == 200, posted.text
        assert runs(project) == before + 1
        seen = server.ask(path, token=None, cookie=cookie)
        assert seen.headers["X-Probe-Run"] == posted.headers["X-Probe-Run"]
        assert runs(project) == before + 1


def test_a_session_without_its_csrf_token_runs_nothing(server, project, sessions):
    before = runs(project)
    cookie = cookies(sessions, "root", CSRF)
    for headers in ({}, {"x_csrftoken": "b" * 32}):
        answer = server.ask(method="POST", token=None, cookie=cookie, **headers)
        assert (answer.status, "CSRF" in answer.text) == (403, True)
    form = {"content_type": "application/x-www-form-urlencoded"}
    body = f"csrfmiddlewaretoken={CSRF}".encode()
    assert server.ask(method="POST", token=None, cookie=cookie, body=body, **form).status == 503
    more = server.ask(method="POST", token=None, cookie=cookie, body=body + b"&label=x", **form)
    assert (more.status, "stands in the query" in more.text) == (400, True)
    assert runs(project) <= before + 1


@pytest.mark.parametrize(("name", "status"), [("staff", 403), ("plain", 403), ("gone", 401)])
def test_other_sessions_get_nothing(server, sessions, name, status):
    for method in ("GET", "POST"):
        answer = server.ask(method=method, token=None, cookie=cookies(sessions, name))
        assert answer.status == status
        assert "Checkout" not in answer.text


def test_a_poll_makes_no_query_and_touches_no_session(server, sessions):
    server.ask()
    answer = server.ask(cookie=cookies(sessions, "root"))
    assert (answer.headers["X-Queries"], answer.headers["X-Session"]) == ("0", "False")
    without = server.ask(token=None)
    assert (without.status, without.headers["X-Queries"]) == (401, "0")
    by_session = server.ask(token=None, cookie=cookies(sessions, "root"))
    assert by_session.headers["X-Session"] == "True"


def test_a_post_without_a_token_never_reads_its_body(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.putrequest("POST", "/probe/")
        connection.putheader("Content-Length", str(10**9))
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.endheaders()
        assert connection.getresponse().status == 401  # And nothing of the body was ever sent.
    finally:
        connection.close()


LOCKED = """
    ALLOWED_HOSTS = ["shop.example"]
    SECURE_SSL_REDIRECT = True
    MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        *MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
"""
FIRST = 'MIDDLEWARE.insert(0, "django_probe.middleware.ProbeMiddleware")'


def test_the_middleware_answers_where_others_stand_in_the_way(project, sessions):
    locked = "\n".join(line[4:] for line in LOCKED.splitlines())
    with serving(project, EXTRA=locked) as server:
        assert server.ask(host="10.8.0.7").status == 400
        assert server.ask(host="shop.example").status == 301
    with serving(project, EXTRA=f"{locked}\n{FIRST}") as server:
        for headers in ({}, {"token": None, "x_door": "open"}):
            answer = server.ask("/probe/shop.Checkout/", host="10.8.0.7", **headers)
            assert (answer.status, answer.headers["X-Probe-Ok"]) == (503, "false")
        assert server.ask(token="wrong", host="10.8.0.7").status == 401
        # Who has no credential goes the way of all requests.
        assert server.ask(token=None, host="10.8.0.7").status == 400
        assert server.ask(token=None, host="shop.example").status == 301
        assert server.ask("/bare/", host="10.8.0.7").status == 400


def test_login_required_middleware_lets_tokens_through(project, sessions):
    extra = 'MIDDLEWARE.append("django.contrib.auth.middleware.LoginRequiredMiddleware")'
    with serving(project, EXTRA=extra) as server:
        assert server.ask("/bare/", token=None).status == 302
        assert server.ask("/probe/shop.Checkout/").status == 503
        assert server.ask(token=None).status == 401


def test_an_open_door_is_told_by_the_deploy_check(project):
    env = {"EXTRA": "PROBE_ACCESS = 'lib.access.anybody'"}
    told = project.manage("check", "--deploy", "--tag", "probe", env=env).stderr
    assert "probe.W040" in told
    assert "lets in a request from 192.0.2.1" in told
    assert "probe.W041" in told
    told = project.manage("check", "--deploy", "--tag", "probe").stderr
    assert "probe.W040" not in told
    assert re.search(r"probe\.W041", told)
    quiet = {"EXTRA": "PROBE_ENABLED = False"}
    assert (
        "probe.W04" not in project.manage("check", "--deploy", "--tag", "probe", env=quiet).stderr
    )


def test_the_permission_needs_no_migration(project, sessions):
    assert project.manage("makemigrations", "--check", "--dry-run").returncode == 0
    assert project.manage("check").returncode == 0
