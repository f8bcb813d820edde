import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core';
import type { DeviceView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { announce } from '../../parts/notice.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';

const NOTHING = 'nothing';

/** Chooses what a device should run. */
export function AssignDialog({ device, onClose }: { device: DeviceView; onClose: () => void }) {
  const releases = useQuery(read('listReleases', { query: { limit: 200 } }));
  const [chosen, setChosen] = useState<string | null>(device.desired?.release ?? null);
  const assign = useChange('assignDevice', {
    makesOld: ['showDevice', 'listDevices', 'listReleases', 'listAudit'],
    onDone: () => {
      announce(chosen === NOTHING ? `${device.name} will stop` : `${device.name} has a new assignment`);
      onClose();
    },
  });
  const submit = (): void => {
    if (chosen !== null) assign.mutate({ params: { id: device.id }, body: { release: chosen === NOTHING ? null : chosen } });
  };
  return (
    <Modal opened onClose={onClose} title={`Assign a release to ${device.name}`} centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        <QueryView query={releases} heightPx={60}>
          {({ items }) => (
            <Select
              label="Release"
              description="The artefact of each model that fits this device is chosen for it."
              placeholder={items.length === 0 ? 'There is no release yet' : 'Choose one'}
              searchable
              data={[
                ...items.map(({ digest, name, document }) => ({
                  value: digest,
                  label: `${name} (${document.pipeline.name} ${document.pipeline.version})`,
                })),
                { value: NOTHING, label: 'Nothing: stop what runs' },
              ]}
              value={chosen}
              onChange={setChosen}
              data-autofocus
            />
          )}
        </QueryView>
        <Text size="sm" c="dimmed">
          The new release starts beside the old one, passes its self-test and a probation, and only then takes over.
        </Text>
        {assign.isError && <ProblemAlert error={assign.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={assign.isPending} disabled={chosen === null} onClick={submit}>
            Assign
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
