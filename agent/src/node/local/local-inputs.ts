import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { INPUT_NODE, messageOf, type Pipeline, parsePortType, type SourceNode, StarlingError, sourceRegistry } from '@starling/shared';
import { readTensor, readWave } from '../sources/index.ts';

/** One file that goes through the pipeline. */
export interface LocalInput {
  name: string;
  /** Items of one source are one stream. */
  stream: string;
  /** Its place among those of its stream: they count as taken so far apart. */
  index: number;
  /** Reads it as the port wants it. @throws StarlingError of a file that is not what the port takes */
  ports(): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * What stands for inputs and sources, in the order in which it counts as taken: the first of each, the second of each, and so on.
 * @param options `input` for the first input or the first source, `source` as `NODE=PATH` for the source of that name
 * @returns undefined where the pipeline runs over its own sources
 * @throws StarlingError `bad-file`, `no-input`, `unknown-source`, `invalid-config`
 */
export async function readAllInputs(
  { input, source }: { input?: string | undefined; source: readonly string[] },
  pipeline: Pipelined,
  tell: (line: string) => void,
): Promise<LocalInput[] | undefined> {
  const given = source.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new StarlingError('invalid-config', `source: "${text.slice(0, 40)}" has no name and path`, {
      ...{ field: 'source', hint: 'write --source NODE=PATH' },
    });
  });
  if (input === undefined && given.length === 0) return undefined;
  const all = [
    ...(input === undefined ? [] : [await readInputs(input, portFor(pipeline), 'input', tell)]),
    ...(await Promise.all(given.map(([name, path]) => readInputs(path, portOfSource(pipeline, name), name, tell)))),
  ];
  const closed = Object.entries(pipeline.nodes).flatMap(([name, node]) => ('source' in node ? [name] : []));
  const silent = given.length === 0 ? [] : closed.filter((name) => !given.some(([own]) => own === name));
  if (silent.length > 0) tell(`gives nothing in this trial: ${silent.join(', ')}; name files with --source ${silent[0]}=PATH`);
  return all.flat().toSorted((left, right) => left.index - right.index);
}

type Pipelined = Pick<Pipeline, 'inputs' | 'nodes'>;

/** The files of a folder, by name, or one file. @param tell what of a folder is left out */
async function readInputs(path: string, port: InputPort, stream: string, tell: (line: string) => void): Promise<LocalInput[]> {
  const found = await stat(path).catch((cause: unknown) => {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new StarlingError('bad-file', isMissing ? `there is no ${path}` : `${path} cannot be read: ${messageOf(cause)}`, {
      ...{ field: 'input', hint: 'give a file or a folder; a relative path starts where you are', cause },
    });
  });
  const names = found.isDirectory() ? (await readdir(path)).filter((name) => !name.startsWith('.')).sort() : [];
  const files = found.isDirectory() ? names.map((name) => ({ name, file: join(path, name) })) : [{ name: path, file: path }];
  const regular = await Promise.all(files.map(async (each) => ((await stat(each.file)).isFile() ? [each] : [])));
  const wanted = regular.flat().filter(({ name }) => endings[port.kind]?.includes(extname(name).slice(1).toLowerCase()) ?? true);
  if (wanted.length === 0) {
    throw new StarlingError('no-input', `${path} has no file for ${port.reference} (${port.type})`, {
      field: 'input',
      hint:
        endings[port.kind] === undefined
          ? `give files of ${port.type}`
          : `files of ${port.type} end in .${endings[port.kind]?.join(', .')}`,
    });
  }
  const others = files.filter((file) => !wanted.includes(file)).map(({ name }) => name);
  if (others.length > 0) tell(`left out, since ${port.reference} takes ${port.type}: ${shortList(others)}`);
  return wanted.map(({ name, file }, index) => ({
    ...{ name: stream === 'input' ? name : `${stream} ${name}`, stream, index },
    ports: async () => ({ [port.reference]: valueFor(port, new Uint8Array(await readFile(file)), name) }),
  }));
}

const NAMES_SHOWN = 5;

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown;
}

interface InputPort {
  reference: string;
  type: string;
  kind: string;
}

/** In a folder, files with other endings are not meant. */
const endings: Readonly<Record<string, readonly string[]>> = {
  'encoded-image': ['jpg', 'jpeg', 'png', 'webp', 'gif', 'tif', 'tiff', 'avif'],
  json: ['json'],
  text: ['txt', 'md', 'csv'],
  audio: ['wav'],
};

function portFor({ inputs, nodes }: Pipelined): InputPort {
  const [input] = Object.entries(inputs);
  if (input !== undefined) return { reference: `${INPUT_NODE}.${input[0]}`, type: input[1], kind: parsePortType(input[1]).kind };
  for (const [name, node] of Object.entries(nodes)) {
    if (!('source' in node)) continue;
    const [port] = Object.entries(outputsOf(node));
    if (port !== undefined) return { reference: `${name}.${port[0]}`, type: port[1], kind: parsePortType(port[1]).kind };
  }
  throw new StarlingError('no-input', 'the pipeline has neither an input nor a source', {
    field: 'input',
    hint: 'declare one under `inputs`',
  });
}

/** What the source of this name gives first. */
function portOfSource({ nodes }: Pipelined, name: string): InputPort {
  const node = Object.hasOwn(nodes, name) ? nodes[name] : undefined;
  const [port] = node !== undefined && 'source' in node ? Object.entries(outputsOf(node)) : [];
  if (port !== undefined) return { reference: `${name}.${port[0]}`, type: port[1], kind: parsePortType(port[1]).kind };
  const names = Object.entries(nodes).flatMap(([own, each]) => ('source' in each ? [own] : []));
  throw new StarlingError('unknown-source', `the pipeline has no source "${name}"`, {
    ...{ field: `source.${name}`, hint: names.length === 0 ? 'it has none: give files with --input' : `sources: ${names.join(', ')}` },
  });
}

function outputsOf({ source, params }: SourceNode): Readonly<Record<string, string>> {
  const signature = sourceRegistry.get(source);
  const parsed = signature?.params.safeParse(params);
  return (parsed?.success === true ? signature?.ports?.(parsed.data as never).outputs : undefined) ?? signature?.outputs ?? {};
}

function valueFor({ kind, type, reference }: InputPort, bytes: Uint8Array, name: string): unknown {
  const text = (): string => new TextDecoder().decode(bytes);
  switch (kind) {
    case 'encoded-image':
      return bytes;
    case 'text':
      return { text: text(), confidence: 1 };
    case 'audio':
      return readWave(bytes);
    case 'tensor':
      return readTensor(bytes, parsePortType(type));
    case 'json':
      try {
        return JSON.parse(text());
      } catch (cause) {
        throw new StarlingError('invalid-json', `${name} is no JSON: ${messageOf(cause)}`, { field: 'input', cause });
      }
    default:
      throw new StarlingError('no-input', `no file can be given to ${reference}: it takes ${type}`, { field: 'input' });
  }
}
