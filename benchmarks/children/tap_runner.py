"""A peer: ``django.setup()`` and tap.py's runner, streaming. Arguments: probe modules."""

import os
import sys
import unittest

import django
from tap.runner import TAPTestRunner

sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
runner = TAPTestRunner()
runner.set_stream(True)
suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])
sys.exit(not runner.run(suite).wasSuccessful())
