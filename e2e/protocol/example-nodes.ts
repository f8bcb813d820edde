import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { writtenExamples } from './written-examples.ts';

const folder = fileURLToPath(new URL('../../examples/pipelines', import.meta.url));
const nodeSchema = z.looseObject({ op: z.string().optional(), source: z.string().optional(), sink: z.string().optional() });
const nodesSchema = z.record(z.string(), nodeSchema);
const fileSchema = z.looseObject({
  nodes: nodesSchema,
  pipelines: z.record(z.string(), z.looseObject({ nodes: nodesSchema })).default({}),
});

/** Some are a source and a sink of one name. */
export type NodeRole = 'op' | 'source' | 'sink';

/** Node of an example that is run by a test -> its file; the one with the most parameters, which says most. */
const nodes: { node: z.output<typeof nodeSchema>; text: string; file: string }[] = readdirSync(folder)
  .sort()
  .flatMap((file) => {
    const { nodes: own, pipelines } = fileSchema.parse(parse(readFileSync(`${folder}/${file}`, 'utf8')));
    const all = [own, ...Object.values(pipelines).map((inner) => inner.nodes)].flatMap((each) => Object.entries(each));
    return all.map(([name, node]) => ({ node, file, text: textOf(name, node) }));
  });

/** The same of a node that stands in no pipeline of ours. */
const written = writtenExamples.flatMap((text) =>
  Object.entries(nodesSchema.parse(parse(text))).map(([name, node]) => ({ node, text: textOf(name, node) })),
);

/** How an operator, a source or a sink is used: in a pipeline of ours, where one uses it. */
export function exampleOf(role: NodeRole, kind: string): string[] {
  const [longest] = nodes.filter(({ node }) => node[role] === kind).toSorted((a, b) => b.text.length - a.text.length);
  if (longest !== undefined) return section(`In [${longest.file}](../../examples/pipelines/${longest.file}):`, longest.text);
  const own = written.find(({ node }) => node[role] === kind);
  return own === undefined ? [] : section('For example:', own.text);
}

function section(title: string, node: string): string[] {
  return ['', title, '', '```yaml', node, '```'];
}

function textOf(name: string, node: z.output<typeof nodeSchema>): string {
  const text = stringify({ [name]: node }, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true }).trim();
  // The braces around a single node say nothing.
  return text.replace(/^\{ (.*) \}$/s, '$1');
}
