import { Stack, Text, Title } from '@mantine/core';
import type { PipelineNode } from '@starling/shared';
import type { ReactNode } from 'react';
import { stringify } from 'yaml';
import { Facts } from '../parts/facts.tsx';
import type { DrawnEdge, DrawnGraph, DrawnNode, DrawnPort } from './drawn-graph.ts';
import type { Selection } from './flow-elements.ts';
import classes from './graph-detail.module.css';
import type { GraphDocument } from './graph-document.ts';
import { typeText } from './node-ports.ts';
import { kindWords } from './node-words.ts';
import { signatureOf } from './signature-of.ts';

interface GraphDetailProps {
  graph: DrawnGraph;
  document: GraphDocument;
  selection: Selection | undefined;
  /** More about what is chosen, under its facts. */
  children?: ReactNode;
}

/** What was chosen in the drawing, in words. */
export function GraphDetail({ graph, document, selection, children }: GraphDetailProps) {
  const node = selection?.kind === 'node' ? graph.nodes.find(({ id }) => id === selection.id) : undefined;
  const edge = selection?.kind === 'edge' ? graph.edges.find(({ id }) => id === selection.id) : undefined;
  return (
    <div aria-live="polite">
      <Stack gap="sm">
        {node !== undefined && <NodeFacts node={node} stated={statedNode(document, node.id)} />}
        {edge !== undefined && <EdgeFacts edge={edge} />}
        {node === undefined && edge === undefined && (
          <Text size="sm" c="dimmed">
            Choose a node or a line to see what it is. Arrow keys go from node to node.
          </Text>
        )}
        {children}
      </Stack>
    </div>
  );
}

/** A node inside of an opened pipeline stands in that pipeline. */
function statedNode({ nodes, pipelines }: GraphDocument, id: string): PipelineNode | undefined {
  const [first = '', ...inside] = id.split('/');
  let node = nodes[first];
  for (const name of inside) node = node !== undefined && 'pipeline' in node ? pipelines[node.pipeline]?.nodes[name] : undefined;
  return node;
}

function NodeFacts({ node, stated }: { node: DrawnNode; stated: PipelineNode | undefined }) {
  const params = stated !== undefined && 'params' in stated ? stated.params : {};
  const summary = stated === undefined ? undefined : signatureOf(stated)?.summary;
  const isSide = node.kind === 'input' || node.kind === 'output';
  return (
    <>
      <Title order={3} size="h5">
        {node.id}
      </Title>
      {summary !== undefined && <Text size="sm">{summary}</Text>}
      <Facts
        facts={[
          [kindWords[node.kind], isSide ? node.what : <code key="what">{node.what}</code>],
          ['Takes', portList(node.inputs)],
          ['Gives', portList(node.outputs)],
          ['Runs', node.badges.length === 0 ? undefined : node.badges.map(({ words }) => words).join('; ')],
        ]}
      />
      {Object.keys(params).length > 0 && <Code label={`Parameters of ${node.id}`}>{stringify(params)}</Code>}
      {stated !== undefined && 'script' in stated && <Code label={`Program of ${node.id}`}>{stated.script.source}</Code>}
    </>
  );
}

function Code({ label, children }: { label: string; children: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard
    <section className={classes.code} tabIndex={0} aria-label={label}>
      <pre>{children.trimEnd()}</pre>
    </section>
  );
}

function portList(ports: readonly DrawnPort[]): ReactNode {
  if (ports.length === 0) return undefined;
  return ports.map(({ name, type, isOptional }) => (
    <div key={name}>
      <code>{name}</code>: {typeText(type)}
      {isOptional && ', optional'}
    </div>
  ));
}

function EdgeFacts({ edge }: { edge: DrawnEdge }) {
  const { from, fromPort, to, toPort, kind, type, queue, monitors } = edge;
  return (
    <>
      <Title order={3} size="h5" className={classes.way}>
        {`${from}.${fromPort} → ${kind === 'trigger' ? to : `${to}.${toPort}`}`}
      </Title>
      <Facts
        facts={[
          ['Carries', kind === 'trigger' ? 'nothing: it says when the node runs' : typeText(type)],
          ['Queue', queue === undefined ? 'as long as there are items in the graph' : `${queue.length} values, ${queue.policy} when full`],
          ['Monitors', monitors.join(', ')],
        ]}
      />
    </>
  );
}
