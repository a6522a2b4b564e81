"""Where each package lies; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["django_probe", "django_probe.*"]),
        "django_probe.reporters",
    ],
    package_dir={"django_probe.reporters": "reporters"},
    package_data={
        "django_probe": [
            "py.typed",
            "schema.json",
            "static/django_probe/*",
            "templates/django_probe/*.html",
        ]
    },
    include_package_data=False,
)
