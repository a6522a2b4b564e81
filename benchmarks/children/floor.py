"""The floor: ``django.setup()`` and unittest's own runner. Arguments: probe modules."""

import os
import sys
import unittest

import django

sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:])
sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())
