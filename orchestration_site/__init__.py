"""Puts it on one page: settings, URLs, middleware, system checks, the one command."""
