#!/bin/sh
# Runs the agent with the Node that came with it, wherever the package lies and through any symbolic link.
here=$(dirname "$(readlink -f "$0")")
# A small young generation: chunks that were written are given back soon, at little cost for a program that mostly waits.
exec "$here/node" --max-semi-space-size=1 "$here/../lib/agent.js" "$@"
