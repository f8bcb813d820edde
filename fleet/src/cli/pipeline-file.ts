import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { type ApiClient, DOCUMENT_BYTES_MAXIMUM, isStarlingError, messageOf } from '@starling/shared';
import { requireFile } from './document-files.ts';
import { findPipeline } from './references.ts';
import { type Place, placeInText, readYaml, type YamlSource } from './yaml-source.ts';

/** Something that is wrong with a pipeline file, or with one that it names. */
export interface FileProblem {
  code: string;
  field: string;
  message: string;
  hint?: string;
  place: Place;
}

/** A pipeline as it will be signed: what stood in files of its own is part of it. */
export interface PipelineFile {
  /** Not checked by any schema yet. */
  value: Record<string, unknown>;
  problems: FileProblem[];
  /** It names scripts or pipelines that stand elsewhere. */
  namesOthers: boolean;
  /** Where a field of `value` stands. */
  placeOf(field: string, range?: { start: number; end: number }): Place;
}

/** Keys of a pipeline in a file of its own that it keeps as part of another. */
const innerKeys = ['inputs', 'outputs', 'parameters', 'nodes', 'edges', 'version'] as const;

const SCRIPT_BYTES_MAXIMUM = 65_536;

/** For a script that could not be read, so that the rest is checked. */
const STANDING_IN = 'export default () => ({})';

/**
 * Reads a pipeline and puts into it the scripts and pipelines that it names: files from where it is, and `name@version` from the fleet.
 * @throws StarlingError `bad-file`, where the file itself cannot be read
 */
export async function readPipelineFile(file: string, client?: ApiClient): Promise<PipelineFile> {
  const reader = new Reader(client);
  const source = await reader.open(file, 'file');
  const value = await reader.embed({ source, prefix: '' }, source.value, { prefix: '', path: [normalize(file)] });
  return {
    value: { ...value, ...(reader.pipelines.size === 0 ? {} : { pipelines: Object.fromEntries(reader.pipelines) }) },
    problems: reader.problems,
    namesOthers: reader.namesOthers,
    placeOf(field, range) {
      const script = reader.scripts.get(field);
      if (script !== undefined) return placeInText(script.file, script.text, range ?? { start: 0, end: 1 });
      const [, name = ''] = /^pipelines\.([^.]+)\./.exec(field) ?? [];
      const inner = reader.origins.get(name);
      if (inner === undefined) return source.placeOf(field, range);
      return inner.source.placeOf(`${inner.prefix}${field.slice(`pipelines.${name}.`.length)}`, range);
    },
  };
}

/** A file, and what its fields start with there. */
interface Origin {
  source: YamlSource;
  prefix: string;
}

interface Around {
  /** Of its fields in the whole document. */
  prefix: string;
  /** Files around, outermost first. */
  path: readonly string[];
}

class Reader {
  readonly problems: FileProblem[] = [];
  namesOthers = false;
  /** Pipelines inside, those that stand in the file itself too. */
  readonly pipelines = new Map<string, unknown>();
  /** Where each of them stands. */
  readonly origins = new Map<string, Origin>();
  /** Sources of scripts that stand in files of their own, by their fields. */
  readonly scripts = new Map<string, { file: string; text: string }>();
  readonly #client: ApiClient | undefined;
  /** File or reference -> name in `pipelines`. */
  readonly #named = new Map<string, string>();

  constructor(client: ApiClient | undefined) {
    this.#client = client;
  }

  async open(file: string, field: string): Promise<YamlSource> {
    await requireFile(file, field, DOCUMENT_BYTES_MAXIMUM);
    const source = readYaml(file, await readFile(file, 'utf8'));
    for (const { message, hint, place } of source.errors) this.problems.push({ code: 'bad-yaml', field: '', message, hint, place });
    if (source.errors.length === 0 && !isRecord(source.value)) {
      const place = source.placeOf('');
      this.problems.push({
        code: 'bad-yaml',
        field: '',
        message: 'holds no keys and values',
        hint: 'write it like "name: read-signs", a line each',
        place,
      });
    }
    return source;
  }

  /** The fields of a file, with what its nodes name put in. */
  async embed(origin: Origin, value: unknown, around: Around): Promise<Record<string, unknown>> {
    if (!isRecord(value)) return {};
    for (const [name, inner] of isRecord(value['pipelines']) ? Object.entries(value['pipelines']) : []) {
      const prefix = `pipelines.${name}.`;
      const own = { source: origin.source, prefix };
      this.origins.set(name, own);
      this.pipelines.set(name, isRecord(inner) ? await this.#embedNodes(own, inner, { ...around, prefix }) : inner);
    }
    return this.#embedNodes(origin, value, around);
  }

  async #embedNodes(origin: Origin, graph: Record<string, unknown>, around: Around): Promise<Record<string, unknown>> {
    if (!isRecord(graph['nodes'])) return graph;
    const nodes: Record<string, unknown> = {};
    for (const [name, node] of Object.entries(graph['nodes'])) {
      nodes[name] = isRecord(node) ? await this.#embedNode(origin, `nodes.${name}`, node, around) : node;
    }
    return { ...graph, nodes };
  }

  async #embedNode(origin: Origin, at: string, node: Record<string, unknown>, around: Around): Promise<unknown> {
    const { script, pipeline } = node;
    const { source } = origin;
    const refuse = (field: string, message: string, hint: string): void => {
      const place = source.placeOf(`${origin.prefix}${at}.${field}`);
      this.problems.push({ code: 'unresolved-reference', field: `${around.prefix}${at}.${field}`, message, hint, place });
    };
    if (isRecord(script) && typeof script['file'] === 'string') {
      const { file, ...rest } = script;
      this.namesOthers = true;
      const path = join(dirname(source.file), String(file));
      const text = await this.#readScript(path, (message) => refuse('script.file', message, 'give a file from where the pipeline is'));
      if (text === undefined) return { ...node, script: { source: STANDING_IN, ...rest } };
      this.scripts.set(`${around.prefix}${at}.script.source`, { file: path, text });
      return { ...node, script: { source: text, ...rest } };
    }
    if (typeof pipeline !== 'string') return node;
    const isFile = /[/\\]|\.(ya?ml|json)$/.test(pipeline);
    if (!isFile && !pipeline.includes('@')) return node;
    this.namesOthers = true;
    return {
      ...node,
      pipeline: isFile ? await this.#embedFile(source, pipeline, around, refuse) : await this.#embedPublished(pipeline, refuse),
    };
  }

  async #readScript(file: string, refuse: (message: string) => void): Promise<string | undefined> {
    try {
      await requireFile(file, 'script.file', SCRIPT_BYTES_MAXIMUM);
      return await readFile(file, 'utf8');
    } catch (error) {
      refuse(messageOf(error));
      return undefined;
    }
  }

  async #embedFile(source: YamlSource, written: string, around: Around, refuse: Refuse): Promise<string> {
    const file = join(dirname(source.file), written);
    const known = this.#named.get(file);
    if (around.path.includes(file))
      refuse('pipeline', `${file} contains itself: ${[...around.path, file].join(' > ')}`, 'remove the circle');
    if (known !== undefined || around.path.includes(file)) return known ?? 'itself';
    let inner: YamlSource;
    try {
      inner = await this.open(file, 'pipeline');
    } catch (error) {
      refuse('pipeline', messageOf(error), 'give a file from where the pipeline is');
      return 'unread';
    }
    const value = isRecord(inner.value) ? inner.value : {};
    const name = typeof value['name'] === 'string' ? value['name'] : 'unnamed';
    if (this.pipelines.has(name)) refuse('pipeline', `another pipeline "${name}" is in this one already`, `rename the one in ${file}`);
    this.#named.set(file, name);
    this.origins.set(name, { source: inner, prefix: '' });
    const prefix = `pipelines.${name}.`;
    const embedded = await this.embed({ source: inner, prefix: '' }, value, { prefix, path: [...around.path, file] });
    this.pipelines.set(name, pick(embedded));
    return name;
  }

  async #embedPublished(reference: string, refuse: Refuse): Promise<string> {
    const known = this.#named.get(reference);
    const [name = ''] = reference.split('@');
    if (known !== undefined) return known;
    this.#named.set(reference, name);
    if (this.#client === undefined) {
      refuse('pipeline', `${reference} is at the fleet, which was not asked`, 'sign in, or name a file such as ./other.yaml');
      return name;
    }
    try {
      const { document } = await findPipeline(this.#client, reference);
      if (this.pipelines.has(name)) refuse('pipeline', `another pipeline "${name}" is in this one already`, 'rename that one');
      for (const [inner, graph] of Object.entries(document.pipelines)) if (!this.pipelines.has(inner)) this.pipelines.set(inner, graph);
      this.pipelines.set(name, pick(document));
    } catch (error) {
      if (!isStarlingError(error) || error.code !== 'not-found') throw error;
      refuse('pipeline', `the fleet has no pipeline ${reference}`, 'see "starling pipeline ls"');
    }
    return name;
  }
}

type Refuse = (field: string, message: string, hint: string) => void;

function pick(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(innerKeys.filter((key) => value[key] !== undefined).map((key) => [key, value[key]]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
