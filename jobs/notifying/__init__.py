"""Telling people (R20, R21): a notice is written with what happened, deliveries are made of it afterwards, then sent.

``noticing`` writes notices, ``routing`` says who is told, ``expanding`` makes one delivery for each of them,
``delivering`` hands them over and tries again, ``channels`` knows how.
"""
