import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { INPUT_NODE, messageOf, type Pipeline, parsePortType, type SourceNode, StarlingError, sourceRegistry } from '@starling/shared';
import { readTensor, readWave } from '../sources/index.ts';

/** One file that goes through the pipeline. */
export interface LocalInput {
  name: string;
  /** Reads it as the port wants it. @throws StarlingError of a file that is not what the port takes */
  ports(): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * The files of a folder, by name, or one file: for the first input of the pipeline, or else in the place of what its first source gives.
 * @param tell what of a folder is left out
 * @throws StarlingError `bad-file`, `no-input`
 */
export async function readInputs(
  path: string,
  pipeline: Pick<Pipeline, 'inputs' | 'nodes'>,
  tell: (line: string) => void,
): Promise<LocalInput[]> {
  const port = portFor(pipeline);
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
  return wanted.map(({ name, file }) => ({
    name,
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

function portFor({ inputs, nodes }: Pick<Pipeline, 'inputs' | 'nodes'>): InputPort {
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
