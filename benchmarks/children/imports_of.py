"""Run manage.py with arguments, then tell which modules it has imported."""

import atexit
import os
import sys

sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"


@atexit.register
def tell() -> None:
    names = []
    for name, module in list(sys.modules.items()):
        foreign = "site-packages" in (getattr(module, "__file__", None) or "")
        names.append(f"{name}={'site' if foreign else 'here'}")
    print("imported:", *names, file=sys.__stderr__)


from django.core.management import execute_from_command_line  # noqa: E402

execute_from_command_line(["manage.py", *sys.argv[1:]])
