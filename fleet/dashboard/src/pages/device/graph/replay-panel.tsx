import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { api, type ReplayResult, type TapValueView } from '@starling/shared';
import { IconChevronLeft, IconChevronRight, IconHistory, IconUpload } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { apiClient } from '../../../data/api-client.ts';
import { inWords, millisecondsOf } from '../../../format/quantity.ts';
import type { DrawnGraph } from '../../../graph/drawn-graph.ts';
import { ProblemAlert } from '../../../parts/problem-alert.tsx';
import classes from './replay-panel.module.css';
import { type ReplayedPort, type ReplayStep, stepsOf } from './replay-steps.ts';
import { ValueView } from './value-view.tsx';

interface ReplayPanelProps {
  device: string;
  graph: DrawnGraph;
  /** Why nothing can be replayed now. */
  refusal: string | undefined;
  /** The node at which the replay stands is shown in the drawing. */
  onStep: (node: string | undefined) => void;
}

interface Replayed {
  result: ReplayResult;
  values: TapValueView[];
}

/** Runs one item through the graph of the device, beside its live items, and goes through it node by node. */
export function ReplayPanel({ device, graph, refusal, onStep }: ReplayPanelProps) {
  const input = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState(0);
  const replay = useMutation({
    mutationFn: async (file: File | undefined): Promise<Replayed> =>
      file === undefined
        ? apiClient.call(api.replayOnDevice, { params: { id: device }, query: { of: 'last' }, raw: new Uint8Array() })
        : apiClient.call(api.replayOnDevice, {
            ...{ params: { id: device }, query: { of: 'input' } },
            ...{ raw: new Uint8Array(await file.arrayBuffer()), contentType: file.type || 'application/octet-stream' },
          }),
    onMutate: () => setAt(0),
  });
  const steps = replay.data === undefined ? [] : stepsOf(graph, replay.data.result, replay.data.values);
  const step = steps[Math.min(at, steps.length - 1)];
  const node = step?.node;
  useEffect(() => {
    if (node !== undefined) onStep(node);
  }, [node, onStep]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a short cut; the button does the same
    <div
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const file = event.dataTransfer.files[0];
        if (file !== undefined && refusal === undefined) replay.mutate(file);
      }}
    >
      <Stack gap="sm">
        <Group gap="xs">
          <Button
            size="xs"
            leftSection={<IconUpload size={14} aria-hidden />}
            disabled={refusal !== undefined}
            loading={replay.isPending}
            onClick={() => input.current?.click()}
          >
            Replay a file
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconHistory size={14} aria-hidden />}
            disabled={refusal !== undefined || replay.isPending}
            onClick={() => replay.mutate(undefined)}
          >
            Replay the last item
          </Button>
          <Text size="sm" c="dimmed">
            {refusal ?? 'A file may also be dropped here.'}
          </Text>
        </Group>
        <input
          ref={input}
          type="file"
          className="visually-hidden"
          tabIndex={-1}
          aria-label="Input to replay"
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0];
            if (file !== undefined) replay.mutate(file);
            // The same file may be chosen again.
            currentTarget.value = '';
          }}
        />
        {replay.isError && <ProblemAlert error={replay.error} title="Not replayed" />}
        {replay.data !== undefined && step !== undefined && (
          <Steps {...{ steps, step, at: Math.min(at, steps.length - 1), result: replay.data.result }} onAt={setAt} />
        )}
      </Stack>
    </div>
  );
}

interface StepsProps {
  steps: readonly ReplayStep[];
  step: ReplayStep;
  at: number;
  result: ReplayResult;
  onAt: (at: number) => void;
}

function Steps({ steps, step, at, result, onAt }: StepsProps) {
  return (
    <section aria-label="Steps of the replay">
      <Group justify="space-between" mb="xs">
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            disabled={at === 0}
            leftSection={<IconChevronLeft size={14} aria-hidden />}
            onClick={() => onAt(at - 1)}
          >
            Previous
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={at === steps.length - 1}
            rightSection={<IconChevronRight size={14} aria-hidden />}
            onClick={() => onAt(at + 1)}
          >
            Next
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          The whole item took {inWords(millisecondsOf(result.latencyMs))}
          {result.failure !== undefined && `, and failed: ${result.failure.message}`}
        </Text>
      </Group>
      <Title order={3} size="h5" role="status">
        {`Step ${at + 1} of ${steps.length}: ${step.node}`}
        {step.tookMs !== undefined && ` (${inWords(millisecondsOf(step.tookMs))})`}
      </Title>
      {step.failure !== undefined && <ProblemAlert error={step.failure} title="The item ended here" />}
      <div className={classes.sides}>
        <Side title="It got" ports={step.takes} />
        <Side title="It gave" ports={step.gives} />
      </div>
    </section>
  );
}

const stateWords = {
  absent: 'stayed away for this item',
  refused: 'is kept on the device by the policy of the release',
  'not-sent': 'did not come through',
} as const;

function Side({ title, ports }: { title: string; ports: readonly ReplayedPort[] }) {
  return (
    <div className={classes.side}>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      {ports.length === 0 && (
        <Text size="sm" c="dimmed">
          nothing
        </Text>
      )}
      {ports.map(({ port, state, value }) => (
        <div key={port} className={classes.port}>
          <Text size="sm" className="mono">
            {port}
          </Text>
          {value?.value !== undefined ? (
            <ValueView value={value.value} label={port} />
          ) : (
            <Text size="sm" c="dimmed">
              {state === 'sent' ? 'came without a value' : stateWords[state]}
            </Text>
          )}
        </div>
      ))}
    </div>
  );
}
