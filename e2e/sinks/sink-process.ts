/** Settings as JSON -> a process that opens the sinks of a pipeline and gives them numbered values, and says which of them were accepted. */
import { join } from 'node:path';
import { z } from 'zod';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { openCredentials } from '../../agent/src/node/credentials.ts';
import { systemRandom } from '../../agent/src/node/ids.ts';
import { createSinks } from '../../agent/src/node/sinks/index.ts';

const settings = z
  .object({
    folder: z.string(),
    nodes: z.record(z.string(), z.unknown()),
    node: z.string(),
    /** Number of the first value, and how many there are at most. */
    first: z.number(),
    count: z.number(),
    pauseMs: z.number(),
  })
  .parse(JSON.parse(process.argv[2] ?? '{}'));

const sinks = createSinks(
  {
    ...{ device: 'a'.repeat(26), clock: createSystemClock(), random: systemRandom },
    ...{ credentials: openCredentials(join(settings.folder, 'credentials.yaml')), filesFolder: join(settings.folder, 'files') },
    tell: (level, code) => process.send?.({ type: 'event', level, code }),
    encode: async () => new Uint8Array(),
  },
  join(settings.folder, 'sinks'),
);
const opened = sinks.open(
  { name: 'count', nodes: settings.nodes as never },
  { outputs: [], edges: [], sinks: Object.keys(settings.nodes) },
);
process.send?.({ type: 'ready' });
for (let number = settings.first; number < settings.first + settings.count; number += 1) {
  await opened.deliver(settings.node, { value: number }, { stream: 's', sequence: number, timeMs: 0 });
  process.send?.({ type: 'accepted', number });
  if (settings.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, settings.pauseMs));
}
