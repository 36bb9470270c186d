#!/bin/sh
# What a job should not do: take another package than the one under test, and leave another lock behind.
exec uv add 'idna<3.7'
