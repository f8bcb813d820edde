import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type InferenceResult, isStarlingError, messageOf } from '@starling/shared';
import type { RawImage } from '../../core/ports/image-codec.ts';
import { jsonOf, pictureType } from '../sinks/index.ts';

export interface ReportOptions {
  json: boolean;
  /** Folder for what comes out. */
  output: string | undefined;
  encode(image: RawImage): Promise<Uint8Array>;
  write(line: string): void;
  /** For what is not a result: progress, errors, times. */
  tell(line: string): void;
}

/** What a local run says of each item, and at the end. */
export interface Report {
  succeeded(name: string, result: InferenceResult): Promise<void>;
  failed(name: string, error: unknown): void;
  /** @returns whether all items have succeeded */
  end(): boolean;
}

const LINE_CHARACTERS = 240;

export function createReport(options: ReportOptions): Report {
  const { write, tell } = options;
  const times = new Map<string, number[]>();
  const whole: number[] = [];
  const failedAt = new Map<string, number>();
  let failures = 0;
  return {
    async succeeded(name, result) {
      for (const [node, ms] of Object.entries(result.nodesMs)) times.set(node, [...(times.get(node) ?? []), ms]);
      whole.push(result.latencyMs);
      const outputs = (await jsonOf(result.outputs, options.encode)) as Record<string, unknown>;
      if (options.output !== undefined) await save(options.output, name, result.outputs, outputs, options.encode);
      if (options.json) write(JSON.stringify({ item: name, outputs, latencyMs: result.latencyMs, nodesMs: result.nodesMs }));
      else write(`${name}  ${result.latencyMs.toFixed(1)} ms  ${shortened(outputs)}`);
    },
    failed(name, error) {
      failures += 1;
      const { code, message, field, hint } = isStarlingError(error)
        ? error
        : { code: 'failed', message: messageOf(error), field: undefined, hint: undefined };
      const [, node] = /^nodes\.([^.]+)/.exec(field ?? '') ?? [];
      if (node !== undefined) failedAt.set(node, (failedAt.get(node) ?? 0) + 1);
      if (options.json) write(JSON.stringify({ item: name, error: { code, message, field, hint } }));
      else {
        const at = node === undefined || message.startsWith(`${node}: `) ? '' : `${node}: `;
        tell(`${name}  ${code}: ${at}${message}${hint === undefined ? '' : ` (${hint})`}`);
      }
    },
    end() {
      if (!options.json) for (const line of tableOf({ times, whole, failedAt, failures })) tell(line);
      const count = whole.length + failures;
      if (!options.json)
        tell(`${count} ${count === 1 ? 'item' : 'items'}${failures === 0 ? '' : `: ${whole.length} done, ${failures} failed`}`);
      return failures === 0;
    },
  };
}

/** Each output as a file: pictures as they are, all others together as JSON. */
async function save(
  folder: string,
  name: string,
  values: Readonly<Record<string, unknown>>,
  outputs: Readonly<Record<string, unknown>>,
  encode: ReportOptions['encode'],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const stem = basename(name, extname(name)).replaceAll(/[^A-Za-z0-9_.-]/g, '-');
  const rest: Record<string, unknown> = {};
  for (const [output, value] of Object.entries(values)) {
    const picture = isRaw(value) ? await encode(value) : value;
    if (picture instanceof Uint8Array) await writeFile(join(folder, `${stem}.${output}.${pictureType(picture).ending}`), picture);
    else rest[output] = outputs[output];
  }
  await writeFile(join(folder, `${stem}.json`), `${JSON.stringify(rest, null, 2)}\n`);
}

function isRaw(value: unknown): value is RawImage {
  return typeof value === 'object' && value !== null && 'width' in value && 'data' in value && value.data instanceof Uint8Array;
}

function shortened(outputs: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(outputs, (_key, value: unknown) => {
    if (typeof value === 'number') return Number(value.toFixed(3));
    const isPicture = typeof value === 'object' && value !== null && 'base64' in value && 'contentType' in value;
    return isPicture ? `<${String(value.contentType)}>` : value;
  });
  return text.length <= LINE_CHARACTERS ? text : `${text.slice(0, LINE_CHARACTERS)}... (see --json)`;
}

interface Tally {
  times: ReadonlyMap<string, readonly number[]>;
  whole: readonly number[];
  /** By the node that ended the item. */
  failedAt: ReadonlyMap<string, number>;
  failures: number;
}

/** Times are of items that went through; those that failed are counted beside the node that they failed at. */
function tableOf({ times, whole, failedAt, failures }: Tally): string[] {
  if (whole.length === 0 && failures === 0) return [];
  const failed = (count: number): string[] => (failures === 0 ? [] : [String(count)]);
  const rows = [...new Set([...times.keys(), ...failedAt.keys()])]
    .map((node) => [node, ...figures(times.get(node) ?? []), ...failed(failedAt.get(node) ?? 0)])
    .sort((a, b) => (Number(b[2]) || 0) - (Number(a[2]) || 0));
  const heading = ['node', 'runs', 'mean ms', 'median', 'p95', 'most', ...(failures === 0 ? [] : ['failed'])];
  const table = [heading, ...rows, ['whole item', ...figures(whole), ...failed(failures)]];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  );
}

function figures(ms: readonly number[]): string[] {
  if (ms.length === 0) return ['0', '-', '-', '-', '-'];
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const mean = ms.reduce((sum, each) => sum + each, 0) / ms.length;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(0.5) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return [String(ms.length), ...[mean, median, at(0.95), sorted.at(-1) ?? 0].map((each) => each.toFixed(2))];
}
