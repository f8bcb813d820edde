import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import type { DeviceView } from '@starling/shared';
import { type FormEvent, useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { formatLabels, parseLabels } from '../../parts/label-text.ts';
import { announce } from '../../parts/notice.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';

/** Changes what people call a device. */
export function EditDialog({ device, onClose }: { device: DeviceView; onClose: () => void }) {
  const [problem, setProblem] = useState<unknown>();
  const change = useChange('changeDevice', {
    makesOld: ['showDevice', 'listDevices', 'listAudit'],
    onDone: () => {
      announce('Saved');
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      setProblem(undefined);
      const body = { name: String(form.get('name')).trim(), labels: parseLabels(String(form.get('labels'))) };
      change.mutate({ params: { id: device.id }, body });
    } catch (error) {
      setProblem(error);
    }
  };
  const shown = problem ?? change.error;
  return (
    <Modal opened onClose={onClose} title="Name and labels" centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput label="Name" name="name" required maxLength={100} defaultValue={device.name} data-autofocus />
          <TextInput
            label="Labels"
            name="labels"
            description="key=value, separated by spaces. Rollouts and roles choose devices by them."
            placeholder="site=oslo role=gate"
            defaultValue={formatLabels(device.labels)}
          />
          {shown !== null && shown !== undefined && <ProblemAlert error={shown} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={change.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
