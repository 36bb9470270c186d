#!/bin/sh
# The names of our hosts, by the very packages that uv.lock names.
exec uv run --locked python names.py bücher.example straße.example
