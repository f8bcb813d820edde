/** What this browser offers -> the execution providers that run here, measured, and why another is left out. */
import { type BrowserCapabilities, jsonDecode, jsonEncode, messageOf } from '@starling/shared';
import { z } from 'zod';
import type { FileStore } from '../core/ports/file-store.ts';
import type { Log } from '../core/ports/log.ts';
import type { RuntimeIdentity } from '../core/ports/runtime-identity.ts';
import { probeProvider } from './engine/measure-worker.ts';
import { withoutGpu } from './without-gpu.ts';

const probeSchema = z.object({ name: z.string(), ran: z.boolean(), probeMs: z.number().optional(), error: z.string().optional() });
export type ProviderProbe = z.infer<typeof probeSchema>;
const keptSchema = z.object({ identity: z.string(), threads: z.number(), probes: z.array(probeSchema) });

/** Best first, where nothing was measured. */
const PREFERRED = ['webnn', 'webgpu', 'wasm'] as const;
const FILE = 'providers';
/** Compiling shaders for the first time takes seconds on a phone; what takes longer hangs. */
const PROBE_TIMEOUT_MS = 60_000;
const ERROR_LENGTH = 400;

export interface Providers {
  probes(): ProviderProbe[];
  /** Those that may be tried now. */
  usable(): string[];
  /** Leaves one out until the next start: its device is gone. */
  drop(name: string, reason: string): void;
}

export interface ProviderPorts {
  files: FileStore;
  log: Log;
  identity: RuntimeIdentity;
  threads: number;
  /** The GPU that this browser lets us use. */
  gpu: BrowserCapabilities['webgpu'] | undefined;
  /** What the page asks for; then speed is no reason to leave one out. */
  asked?: readonly string[] | undefined;
}

/** Measures each provider, or remembers what was measured here with this engine. */
export async function findProviders(ports: ProviderPorts): Promise<Providers> {
  let probes = await probesHere(ports);
  const usable = (): string[] => {
    if (ports.asked !== undefined) return ports.asked.filter((name) => !probes.some((probe) => probe.name === name && isLost(probe)));
    return probes.filter(({ ran }) => ran).map(({ name }) => name);
  };
  return {
    probes: () => withMissing(probes, ports),
    usable,
    drop(name, reason) {
      probes = probes.map((probe) =>
        probe.name === name ? { ...probe, ran: false, error: `${LOST}${reason}`.slice(0, ERROR_LENGTH) } : probe,
      );
    },
  };
}

/** What was not even tried is told too, with the reason: else it looks as if nobody had thought of it. */
function withMissing(probes: readonly ProviderProbe[], { gpu, asked }: ProviderPorts): ProviderProbe[] {
  const error = asked === undefined ? withoutGpu(gpu ?? null, 'gpu' in navigator) : undefined;
  return error === undefined ? [...probes] : [...probes, { name: 'webgpu', ran: false, error }];
}

const LOST = 'lost: ';

function isLost({ error }: ProviderProbe): boolean {
  return error?.startsWith(LOST) ?? false;
}

async function probesHere(ports: ProviderPorts): Promise<ProviderProbe[]> {
  const { files, identity, threads, gpu, asked } = ports;
  // An adapter that computes on the processor does what WebAssembly does, and slower.
  const offered = { webgpu: gpu != null && !gpu.software, webnn: 'ml' in navigator, wasm: true };
  const names = asked ?? PREFERRED.filter((name) => offered[name]);
  // With one only there is nothing to choose: it is measured with the first benchmark.
  if (names.length === 1) return names.map((name) => ({ name, ran: true }));
  const key = `${identity.runtimeVersion} ${identity.hardware} ${names.join()}`;
  const kept = await readKept(files);
  if (kept?.identity === key && kept.threads === threads) return kept.probes;
  const probes = await measureAll(names, ports);
  await files.write(FILE, jsonEncode({ identity: key, threads, probes }));
  return probes;
}

async function measureAll(names: readonly string[], { log, threads, asked }: ProviderPorts): Promise<ProviderProbe[]> {
  const probes: ProviderProbe[] = [];
  for (const name of names) {
    try {
      const probeMs = await probeProvider(name, threads, AbortSignal.timeout(PROBE_TIMEOUT_MS));
      probes.push({ name, ran: true, probeMs });
    } catch (error) {
      probes.push({ name, ran: false, error: messageOf(error).slice(0, ERROR_LENGTH) });
    }
  }
  log.info('measured the execution providers', { probes });
  return asked === undefined ? withoutSlower(probes) : probes;
}

/** The processor always can: what is slower than it is not worth its memory. */
function withoutSlower(probes: readonly ProviderProbe[]): ProviderProbe[] {
  const wasmMs = probes.find(({ name, ran }) => name === 'wasm' && ran)?.probeMs ?? Number.POSITIVE_INFINITY;
  return probes.map((probe) => {
    const { name, ran, probeMs = 0 } = probe;
    if (name === 'wasm' || !ran || probeMs <= wasmMs) return probe;
    return { ...probe, ran: false, error: `slower than wasm here: ${probeMs.toFixed(1)} against ${wasmMs.toFixed(1)} ms` };
  });
}

async function readKept(files: FileStore): Promise<z.infer<typeof keptSchema> | undefined> {
  try {
    const bytes = await files.read(FILE);
    return bytes === undefined ? undefined : jsonDecode(bytes, keptSchema);
  } catch {
    return undefined;
  }
}
