import { Button, Progress, Text } from '@mantine/core';
import type { CommandView, DeviceView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { outcomeOf } from '../../parts/command-outcome.ts';
import { announceProblem } from '../../parts/notice.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { toProblem } from '../../parts/reported-problem.ts';

/** Artefacts that one command takes. */
const AT_ONCE = 16;

interface MeasureButtonProps {
  device: DeviceView;
  model: string;
  artefacts: readonly string[];
}

/** Has the device time every artefact of a model, and follows it. */
export function MeasureButton({ device, model, artefacts }: MeasureButtonProps) {
  const { may } = useSession();
  const [sent, setSent] = useState<string>();
  const release = device.desired?.release ?? '';
  const pinned = useQuery({ ...read('showRelease', { params: { digest: release } }), enabled: release !== '' });
  const modelVersion = pinned.data?.document.models.find(({ name }) => name === model)?.digest;
  const send = useChange('commandDevice', { makesOld: ['listCommands'], onDone: ({ id }) => setSent(id) });
  if (!may('operator')) return null;
  const start = (): void => {
    if (modelVersion === undefined) return;
    const named = artefacts.slice(0, AT_ONCE).map((artefact) => ({ artefact, modelVersion }));
    send.mutate({ params: { id: device.id }, body: { name: 'benchmark', arguments: { artefacts: named } } }, { onError: announceProblem });
  };
  return (
    <div>
      <Button
        size="xs"
        variant="default"
        loading={send.isPending}
        disabled={!device.online || modelVersion === undefined}
        onClick={start}
        aria-label={`Measure the artefacts of ${model}`}
      >
        Measure
      </Button>
      {sent !== undefined && <Progressed command={sent} model={model} />}
    </div>
  );
}

function Progressed({ command, model }: { command: string; model: string }) {
  const view = useQuery(read('showCommand', { params: { id: command } }));
  if (view.data === undefined) return null;
  const { status, error, progress } = view.data;
  if (error !== null) return <ProblemAlert error={toProblem(error)} title="Not measured" />;
  if (status === 'done' || status === 'expired') {
    return (
      <Text size="sm" mt={4} role="status">
        {status === 'done' ? measured(view.data) : 'no answer in time'}
      </Text>
    );
  }
  const share = progress === undefined || progress.total === 0 ? undefined : progress.done / progress.total;
  return (
    <div role="status">
      <Progress mt={6} value={(share ?? 0) * 100} animated={share === undefined} aria-label={`Measurement of ${model}`} />
      <Text size="xs" c="dimmed">
        {progress === undefined ? 'waits for the device to be idle' : progress.what}
      </Text>
    </div>
  );
}

function measured(command: CommandView): string {
  const outcome = outcomeOf(command);
  return outcome === '' ? 'Measured.' : `Measured. The fastest: ${outcome}.`;
}
