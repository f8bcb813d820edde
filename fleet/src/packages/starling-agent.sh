#!/bin/sh
# Runs the agent with the Node that came with it, wherever the package lies and through any symbolic link.
here=$(dirname "$(readlink -f "$0")")
# A small young generation: chunks that were written are given back soon, and in a cache of the processor (1 MB of it costs a third more
# processor time in a pull). A heap that may double: marking it again every 10 MB of chunks took half of the processor time of a pull.
exec "$here/node" --max-semi-space-size=4 --heap-growing-percent=100 "$here/../lib/agent.js" "$@"
