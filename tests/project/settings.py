"""Settings with a log handler on stdout: what a report must survive."""

SECRET_KEY = "nasty-secret-key-0123456789-abcdefghij"
INSTALLED_APPS = ["nasty", "django_probe"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["out"], "level": "INFO"},
}
