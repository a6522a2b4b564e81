"""The first thing that must be true."""


def test_a_passing_probe_lets_the_deploy_go_on(make_project):
    project = make_project(
        {
            "shop/probes.py": """
                import unittest
                class Checkout(unittest.TestCase):
                    def test_pay(self):
                        pass
            """
        }
    )
    assert project.probe().returncode == 0
