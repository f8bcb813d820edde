import { Button, Group, MultiSelect, Select, Stack, Text, Title } from '@mantine/core';
import { joinModeSchema, type PipelineNode } from '@starling/shared';
import { IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { read } from '../../data/queries.ts';
import type { DrawnGraph, DrawnNode } from '../../graph/drawn-graph.ts';
import { typeText } from '../../graph/node-ports.ts';
import { kindWords } from '../../graph/node-words.ts';
import { signatureOf } from '../../graph/signature-of.ts';
import { CommitChoice, CommitLines, CommitNumber, CommitText } from './commit-fields.tsx';
import { type Edit, freeName } from './edit-document.ts';
import { fittingOutputs, outputsOf } from './fitting-outputs.ts';
import { ParamContext, type ParamSurroundings } from './param-context.ts';
import { paramFieldsOf } from './param-fields.ts';
import { ParamForm } from './param-form.tsx';
import type { Draft } from './read-draft.ts';

interface NodeFormProps {
  drawn: DrawnNode;
  node: PipelineNode;
  graph: DrawnGraph;
  draft: Pick<Draft, 'graph' | 'pipeline' | 'problems'>;
  onEdit: (...edits: Edit[]) => void;
  /** The node has another name now, or none. */
  onSelect: (name: string | undefined) => void;
}

/** Everything about one node that can be set without writing it. */
export function NodeForm({ drawn, node, graph, draft, onEdit, onSelect }: NodeFormProps) {
  const name = drawn.id;
  const signature = signatureOf(node);
  const fields = useMemo(() => (signature === undefined ? [] : paramFieldsOf(signature.params)), [signature]);
  const surroundings = useSurroundings(name, draft);
  return (
    <Stack gap="sm">
      <Group justify="space-between" wrap="nowrap">
        <Title order={3} size="h5">
          {kindWords[drawn.kind]} {drawn.what}
        </Title>
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconTrash size={13} aria-hidden />}
          onClick={() => {
            onEdit({ kind: 'remove-node', name });
            onSelect(undefined);
          }}
        >
          Delete
        </Button>
      </Group>
      {signature !== undefined && <Text size="sm">{signature.summary}</Text>}
      <NameField name={name} graph={graph} onEdit={onEdit} onSelect={onSelect} />
      {drawn.inputs.map(({ name: port, type, isOptional }) => (
        <Select
          key={port}
          size="xs"
          label={`Input ${port}`}
          description={`${typeText(type)}${isOptional ? ', optional' : ''}`}
          placeholder="not connected"
          clearable
          searchable
          clearButtonProps={{ 'aria-label': `Disconnect ${port}` }}
          data={fittingOutputs(graph, drawn, port)}
          value={feederOf(graph, name, port)?.reference ?? null}
          onChange={(reference) => {
            const index = feederOf(graph, name, port)?.index;
            if (reference !== null) onEdit({ kind: 'connect', from: reference, to: `${name}.${port}` });
            else if (index !== undefined) onEdit({ kind: 'disconnect', index });
          }}
        />
      ))}
      {fields.length > 0 && (
        <ParamContext value={surroundings}>
          <ParamForm
            fields={fields}
            values={'params' in node ? node.params : {}}
            onSet={(...change) => onEdit(...editsOfParam(name, ...change))}
          />
        </ParamContext>
      )}
      {'script' in node && (
        <CommitLines
          label="Program"
          description="A module whose default export is a function of the inputs"
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          maxRows={16}
          value={node.script.source}
          onCommit={(source) => onEdit({ kind: 'set', path: ['nodes', name, 'script', 'source'], value: source })}
        />
      )}
      <RunFields name={name} node={node} outputs={outputsOf(graph)} onEdit={onEdit} />
    </Stack>
  );
}

/** A value of a parameter; where an entry of it has another name, what starts at its port follows. */
function editsOfParam(node: string, ...[path, value, renamed]: Parameters<Parameters<typeof ParamForm>[0]['onSet']>): Edit[] {
  const set: Edit = { kind: 'set', path: ['nodes', node, 'params', ...path], value };
  return renamed === undefined ? [set] : [set, { kind: 'rename-output', node, ...renamed }];
}

/** What the fields of a node may name, and what the checker says of each. */
function useSurroundings(name: string, { graph, pipeline, problems }: NodeFormProps['draft']): ParamSurroundings {
  const models = useQuery(read('listModels', { query: { limit: 200 } }));
  return useMemo(() => {
    const used = new Set(Object.values(graph.nodes).flatMap((node) => ('model' in node ? [node.model] : [])));
    const newest = new Map((models.data?.items ?? []).toReversed().map((model) => [model.name, model]));
    const before = `nodes.${name}.params`;
    const own = problems.filter(({ field }) => field === before || field.startsWith(`${before}.`));
    return {
      parameters: Object.keys(pipeline?.parameters ?? {}),
      assets: [...used].flatMap((model) => (newest.get(model)?.document.assets ?? []).map((asset) => ({ model, asset: asset.name }))),
      problems: new Map(
        own.map(({ field, message, hint }) => [field.slice(before.length + 1), hint === undefined ? message : `${message}: ${hint}`]),
      ),
    };
  }, [name, graph, pipeline, problems, models.data]);
}

function feederOf(graph: DrawnGraph, node: string, port: string): { reference: string; index: number | undefined } | undefined {
  const edge = graph.edges.find(({ to, toPort, kind }) => to === node && toPort === port && kind !== 'trigger');
  return edge === undefined ? undefined : { reference: `${edge.from}.${edge.fromPort}`, index: edge.index };
}

function NameField({ name, graph, onEdit, onSelect }: Pick<NodeFormProps, 'graph' | 'onEdit' | 'onSelect'> & { name: string }) {
  const [problem, setProblem] = useState<string>();
  return (
    <CommitText
      label="Name"
      value={name}
      error={problem}
      onCommit={(wish) => {
        const others = graph.nodes.map(({ id }) => id).filter((id) => id !== name);
        const free = freeName(wish, others);
        setProblem(free === wish ? undefined : `"${wish}" ${others.includes(wish) ? 'is taken' : 'cannot be a name'}; "${free}" could be`);
        if (free !== wish) return;
        onEdit({ kind: 'rename-node', name, to: wish });
        onSelect(wish);
      }}
    />
  );
}

type RunFieldsProps = Pick<NodeFormProps, 'node'> & { outputs: readonly string[]; set: (key: string, value: unknown) => void };

/** How and where a node runs; what it does not state holds by default. */
function RunFields({ name, node, outputs, onEdit }: Pick<NodeFormProps, 'node' | 'onEdit'> & { name: string; outputs: readonly string[] }) {
  const set = (key: string, value: unknown): void => onEdit({ kind: 'set', path: ['nodes', name, key], value });
  return (
    <details>
      <summary style={{ fontSize: '0.85rem', cursor: 'pointer' }}>How it runs</summary>
      <Stack gap="xs" mt="xs">
        <WhenFields {...{ node, set }} />
        <TriggerFields {...{ node, set }} outputs={outputs.filter((port) => !port.startsWith(`${name}.`))} />
        <LimitFields {...{ node, set }} />
        <CommitText
          label="Where"
          description="device, cloud, or group:NAME"
          value={node.on}
          onCommit={(value) => set('on', value === 'device' || value === '' ? undefined : value)}
        />
      </Stack>
    </details>
  );
}

/** Values that it waits for without taking them. */
function TriggerFields({ node, outputs, set }: RunFieldsProps) {
  if (!('triggersJoin' in node)) return null;
  const triggers = node.triggers ?? [];
  return (
    <>
      <MultiSelect
        size="xs"
        label="Triggers"
        description="It runs only for items of which these ports give a value"
        searchable
        data={[...new Set([...triggers, ...outputs])]}
        value={triggers}
        onChange={(value) => set('triggers', value.length === 0 ? undefined : value)}
      />
      {triggers.length > 1 && (
        <CommitChoice
          label="Triggers needed"
          choices={{ inner: 'all of them', any: 'any of them' }}
          value={node.triggersJoin}
          onCommit={(value) => set('triggersJoin', value === 'inner' ? undefined : value)}
        />
      )}
    </>
  );
}

function WhenFields({ node, set }: Omit<RunFieldsProps, 'outputs'>) {
  return (
    <>
      {'each' in node && (
        <CommitChoice
          label="For lists"
          choices={{ no: 'once for the whole value', yes: 'once for each item' }}
          value={node.each ? 'yes' : 'no'}
          onCommit={(value) => set('each', value === 'yes' ? true : undefined)}
        />
      )}
      {'join' in node && (
        <Select
          size="xs"
          label="Join"
          description="Whether it waits for all inputs, for any, or for what comes in time"
          data={[...joinModeSchema.options]}
          value={node.join}
          allowDeselect={false}
          onChange={(value) => set('join', value === 'inner' ? undefined : value)}
        />
      )}
      {'join' in node && node.join === 'outer' && (
        <CommitNumber label="Window" suffix=" ms" min={1} value={node.joinWindowMs} onCommit={(value) => set('joinWindowMs', value)} />
      )}
    </>
  );
}

function LimitFields({ node, set }: Omit<RunFieldsProps, 'outputs'>) {
  if (!('onError' in node)) return null;
  const { concurrency, timeoutMs, retry, onError } = node;
  return (
    <>
      <CommitNumber label="Items at once" min={1} max={64} value={concurrency} onCommit={(value) => set('concurrency', value)} />
      <CommitNumber label="Time limit of a run" suffix=" ms" min={1} value={timeoutMs} onCommit={(value) => set('timeoutMs', value)} />
      <CommitNumber
        label="Attempts"
        description="Runs at most, where one fails"
        min={1}
        max={10}
        value={retry?.attempts}
        onCommit={(value) => set('retry', value === undefined ? undefined : { ...retry, attempts: value })}
      />
      <CommitChoice
        label="When it fails"
        choices={{ fail: 'the item fails', skip: 'its outputs stay away, the item goes on' }}
        value={onError}
        onCommit={(value) => set('onError', value === 'fail' ? undefined : value)}
      />
    </>
  );
}
