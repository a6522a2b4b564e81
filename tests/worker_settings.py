"""Settings for processes that tests start without a project of their own."""

SECRET_KEY = "a-secret-key-of-the-tests-that-nobody-knows"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = []
USE_TZ = True
