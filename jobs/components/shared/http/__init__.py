"""Requests over HTTP that go only where the administrator allows, come back or say why, and believe no length."""
