import { StarlingError } from '@starling/shared';
import { distance } from 'fastest-levenshtein';
import type { BenchOptions } from './parts.ts';
import type { Findings, Measure, Say } from './result.ts';

export interface Bench {
  /** What it measures, for `--help`. */
  about: string;
  /** Parts that may be run alone. */
  parts?: readonly string[];
  /** Loads the bench only when it runs. */
  load: () => Promise<(say: Say, options: BenchOptions) => Promise<Measure[] | Findings>>;
}

export const benches: Readonly<Record<string, Bench>> = {
  fleet10k: {
    about: 'ten thousand devices at one fleet: connect rate, memory, all cut at once, and the telemetry that is held (needs Postgres)',
    parts: ['idle', 'tls', 'telemetry'],
    load: async () => (await import('./fleet10k.ts')).measureFleet10k,
  },
  cluster: {
    about: 'telemetry of two processes against one, and what is lost or doubled when one is killed (needs Postgres, mosquitto, RabbitMQ)',
    parts: ['mosquitto', 'rabbitmq'],
    load: async () => (await import('./cluster.ts')).measureCluster,
  },
  transfer: {
    about: '100 MB over the broker to one agent and to 20, against a streamed HTTPS GET of the same file',
    load: async () => (await import('./transfer.ts')).measureTransfer,
  },
  delta: {
    about: 'bytes on the wire for a model of which some tensors changed',
    load: async () => (await import('./delta.ts')).measureDelta,
  },
  accuracy: {
    about: 'exact match and character error rate over 300 scenes, fp32 and int8 artefacts',
    load: async () => (await import('./accuracy.ts')).measureAccuracy,
  },
  quantise: {
    about: "static int8 builds of three models: size, time on one thread, accuracy; against onnxruntime's own quantiser",
    parts: ['text-detection', 'text-recognition', 'digits', 'scenes'],
    load: async () => (await import('./quantise.ts')).measureQuantise,
  },
  build: {
    about: 'memory of builds of 10 MB and 500 MB, and the throughput of calibration against only running the model',
    load: async () => (await import('./build.ts')).measureBuild,
  },
  frames: {
    about: 'frames/s of the whole pipeline in the runtime host, against a hand-written loop in one worker thread',
    load: async () => (await import('./frames.ts')).measureFrames,
  },
  graph: {
    about: 'node visits/s of the pipeline engine, read-signs against the same calls by hand, the cost of watching, and of a bad neighbour',
    load: async () => (await import('./graph.ts')).measureGraph,
  },
  switch: {
    about: 'a hundred times another version takes over under load: nothing lost, nothing doubled',
    load: async () => (await import('./switch.ts')).measureSwitch,
  },
  video: {
    about: 'frames/s, delay and processor share of a video of 720p in real time, with a motion gate and without',
    load: async () => (await import('./video.ts')).measureVideo,
  },
  eventloop: {
    about: "delay of the agent's main thread while it infers flat out",
    load: async () => (await import('./eventloop.ts')).measureEventLoop,
  },
  browser: {
    about: 'the page for browsers: weight, time to the first text, the same values as with Node, frames/s against a page by hand, memory',
    parts: ['weight', 'first-text', 'parity', 'chosen', 'frames', 'memory'],
    load: async () => (await import('./browser.ts')).measureBrowser,
  },
  choose: {
    about: 'the artefacts of 100,000 devices, of 20 candidates each',
    load: async () => (await import('./choose.ts')).measureChoose,
  },
  start: {
    about: 'a clean clone to the first text read, by phase',
    load: async () => (await import('./start.ts')).measureStart,
  },
  rollout: {
    about:
      'a rollout over 100,000 devices: creating it, and one pass of the runner; desired states out to 10,000 that are connected; a look of its gates, and their false alarms',
    parts: ['embedded-database', 'postgres', 'looks', 'out', 'gates'],
    load: async () => (await import('./rollout.ts')).measureRollout,
  },
  ingest: {
    about: 'telemetry of 200 devices into the embedded database and into Postgres; nothing lost, nothing twice',
    load: async () => (await import('./ingest.ts')).measureIngest,
  },
};

/** @throws StarlingError `unknown-part` */
export function requireParts(name: string, asked: readonly string[]): void {
  const { parts = [] } = findBench(name);
  for (const part of asked) {
    if (parts.includes(part)) continue;
    throw new StarlingError('unknown-part', `${name} has no part "${part}"`, {
      field: '--part',
      hint: parts.length === 0 ? 'it runs as a whole' : `there are: ${parts.join(', ')}`,
    });
  }
}

/** @throws StarlingError `unknown-bench` that names the nearest one */
export function findBench(name: string): Bench {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench !== undefined) return bench;
  const names = Object.keys(benches);
  const [nearest = ''] = names.toSorted((a, b) => distance(a, name) - distance(b, name));
  throw new StarlingError('unknown-bench', `there is no bench "${name}"`, {
    field: 'NAME',
    hint: `did you mean ${nearest}? There are: ${names.join(', ')}`,
  });
}
