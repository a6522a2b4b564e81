"""The settings of the shop. What differs between deployments comes from the environment."""

from __future__ import annotations

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

WORK = Path(os.environ.get("SHOP_WORK") or BASE_DIR.parent / ".demo").resolve()
"""Where the shop keeps what it writes: database, cache, media."""
WORK.mkdir(parents=True, exist_ok=True)

SHOP_URL = os.environ.get("SHOP_URL") or "http://127.0.0.1:8000"
"""Where visitors reach this deployment; its probes go in by the same door."""
SHOP_PAYMENT_URL = os.environ.get("SHOP_PAYMENT_URL", "")
"""The payment provider's status page; a deployment without it takes no payments."""

DEBUG = False
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY") or "django-insecure-key-of-the-demo-alone"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"

INSTALLED_APPS = ["shop", "catalog", "orders", "django_probe"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": WORK / "shop.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        # On disk, so that the server and the probes share it as they would share Redis.
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": WORK / "cache",
    },
}
MEDIA_ROOT = WORK / "media"
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}

PROBE_TIMEOUT = 10.0
PROBE_DEADLINE = 60.0
PROBE_TOKENS = [token] if (token := os.environ.get("SHOP_PROBE_TOKEN")) else []
"""Who may ask /probe/: nobody, unless a deployment says so."""
