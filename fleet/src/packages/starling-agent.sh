#!/bin/sh
# Runs the agent with the Node that came with it, wherever the package lies and through any symbolic link.
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/../lib/agent.js" "$@"
