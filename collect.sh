#!/bin/sh
# Collects the state of sockets on a host.
