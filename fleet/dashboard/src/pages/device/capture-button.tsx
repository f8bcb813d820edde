import { Alert, Button, Group, Modal, MultiSelect, NumberInput, Stack } from '@mantine/core';
import { CAPTURE_ITEMS_MAXIMUM, type DeviceView, OUTPUT_NODE, type Policies, type ReleaseView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { announce, announceProblem } from '../../parts/notice.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';

/** Has the device keep values of edges, and bring them as a file. */
export function CaptureButton({ device }: { device: DeviceView }) {
  const [isOpen, setOpen] = useState(false);
  const release = device.reported?.running?.release;
  if (release === undefined) return null;
  return (
    <>
      <Button size="xs" variant="default" aria-haspopup="dialog" disabled={!device.online} onClick={() => setOpen(true)}>
        Capture
      </Button>
      {isOpen && <CaptureDialog device={device.id} release={release} onClose={() => setOpen(false)} />}
    </>
  );
}

interface DialogProps {
  device: string;
  /** Digest of what it runs. */
  release: string;
  onClose: () => void;
}

function CaptureDialog({ device, release, onClose }: DialogProps) {
  const running = useQuery(read('showRelease', { params: { digest: release } }));
  return (
    <Modal opened onClose={onClose} title="Capture values" centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <QueryView query={running} heightPx={280}>
        {(view) => <CaptureForm {...{ device, release: view, onClose }} />}
      </QueryView>
    </Modal>
  );
}

function CaptureForm({ device, release: { document }, onClose }: Omit<DialogProps, 'release'> & { release: ReleaseView }) {
  const { name, policies } = document;
  const [edges, setEdges] = useState<string[]>([]);
  const [numbers, setNumbers] = useState({ items: 100, seconds: 60, every: 1, perSecond: 5 });
  const send = useChange('commandDevice', {
    makesOld: ['listCommands'],
    onDone: () => {
      announce('capture is on its way');
      onClose();
    },
  });
  if (!policies.capture.enabled) return <NotAllowed release={name} />;
  const { items, seconds, every, perSecond } = numbers;
  const start = (): void =>
    send.mutate({
      params: { id: device },
      body: { name: 'capture', arguments: { edges, items, durationMs: seconds * 1000, every, maximumPerSecond: perSecond } },
    });
  return (
    <Stack>
      <MultiSelect
        label="Edges"
        required
        description={`What the policy of ${name} lets out`}
        data={edgesUnder(policies)}
        value={edges}
        onChange={setEdges}
        maxValues={16}
        comboboxProps={{ withinPortal: true }}
      />
      <Group grow align="flex-end">
        {fields.map(({ field, label, minimum, maximum }) => (
          <NumberInput
            key={field}
            label={label}
            min={minimum}
            max={maximum}
            clampBehavior="strict"
            allowDecimal={field === 'perSecond'}
            value={numbers[field]}
            onChange={(value) => typeof value === 'number' && setNumbers((before) => ({ ...before, [field]: value }))}
          />
        ))}
      </Group>
      {send.error !== null && <ProblemAlert error={send.error} title="Not captured" />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button loading={send.isPending} disabled={edges.length === 0} onClick={start}>
          Capture
        </Button>
      </Group>
    </Stack>
  );
}

const fields = [
  { field: 'items', label: 'Values', minimum: 1, maximum: CAPTURE_ITEMS_MAXIMUM },
  { field: 'seconds', label: 'Seconds', minimum: 1, maximum: 86_400 },
  { field: 'every', label: 'Every n-th', minimum: 1, maximum: 1_000_000 },
  { field: 'perSecond', label: 'A second', minimum: 0.01, maximum: 30 },
] as const;

/** Ports of the main pipeline that the policy lets out: by themselves, or as an output. */
function edgesUnder({ egress }: Policies): string[] {
  const own = (names: readonly string[]): string[] => names.filter((each) => !each.includes(':'));
  return [...own(egress.edges), ...own(egress.outputs).map((output) => `${OUTPUT_NODE}.${output}`)];
}

function NotAllowed({ release }: { release: string }) {
  return (
    <Alert variant="outline" color="yellow" title="Nothing may be captured" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
      The policy of {release}, signed by the publisher, allows no captures. A release whose <code>policies.capture.enabled</code> is true
      does, of the edges that it lets out.
    </Alert>
  );
}

/** Ends an open one with what it has. */
export function EndCapture({ device, capture }: { device: string; capture: string }) {
  const { may } = useSession();
  const end = useChange('commandDevice', { makesOld: ['listCommands'], onDone: () => announce('it uploads what it has') });
  if (!may('operator')) return null;
  return (
    <Button
      size="compact-xs"
      variant="subtle"
      aria-label="End capture"
      disabled={end.isPending}
      onClick={() =>
        end.mutate({ params: { id: device }, body: { name: 'capture-stop', arguments: { capture } } }, { onError: announceProblem })
      }
    >
      End
    </Button>
  );
}
