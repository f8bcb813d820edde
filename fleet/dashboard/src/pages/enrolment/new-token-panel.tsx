import { Alert, Button, Checkbox, Group, NumberInput, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { parseLabels } from '../../parts/label-text.ts';
import { ExactMoment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';

const lives = [
  { value: '1', label: 'an hour' },
  { value: '24', label: 'a day' },
  { value: '168', label: 'a week' },
  { value: '720', label: '30 days' },
];

/** Makes a claim token and shows, once, the command that brings a device in with it. */
export function NewTokenPanel() {
  const releases = useQuery(read('listReleases', { query: { limit: 200 } }));
  const [release, setRelease] = useState<string | null>(null);
  const [hours, setHours] = useState<string | null>('24');
  const [problem, setProblem] = useState<unknown>();
  const create = useChange('createClaimToken', { makesOld: ['listClaimTokens', 'listAudit'] });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      setProblem(undefined);
      create.mutate({
        body: {
          name: String(form.get('name')).trim() || 'device',
          uses: Number(form.get('uses') || 1),
          expiresInHours: Number(hours ?? 24),
          requireApproval: form.get('requireApproval') !== null,
          labels: parseLabels(String(form.get('labels'))),
          install: true,
          ...(release === null ? {} : { release }),
        },
      });
    } catch (error) {
      setProblem(error);
    }
  };
  const shown = problem ?? create.error;
  return (
    <Panel title="Add a device" note="Make a token, then run one command on the device.">
      <form onSubmit={submit}>
        <Stack>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            <TextInput
              label="Name"
              name="name"
              description="What the token is for; devices get its name"
              defaultValue="device"
              maxLength={100}
              required
            />
            <NumberInput
              label="Devices"
              name="uses"
              description="How many may enrol with it"
              defaultValue={1}
              min={1}
              max={100_000}
              allowDecimal={false}
            />
            <Select
              label="Valid for"
              description="After that it is worth nothing"
              data={lives}
              value={hours}
              onChange={setHours}
              allowDeselect={false}
            />
            <Select
              label="Release"
              description="What enrolled devices run at once"
              placeholder="None yet"
              clearable
              data={releases.data?.items.map(({ digest, name }) => ({ value: digest, label: name })) ?? []}
              value={release}
              onChange={setRelease}
            />
            <TextInput label="Labels" name="labels" description="key=value, separated by spaces" placeholder="site=oslo role=gate" />
            <Checkbox
              name="requireApproval"
              label="A person lets each device in"
              description="It waits on the Devices page until then"
              mt={{ base: 0, sm: 'lg' }}
            />
          </SimpleGrid>
          {shown !== null && shown !== undefined && <ProblemAlert error={shown} />}
          <Group>
            {create.isPending && (
              <Text size="sm" c="dimmed" role="status">
                Making the command; the first time the agent packages are built, which takes a minute.
              </Text>
            )}
            <Button type="submit" loading={create.isPending} leftSection={<IconKey size={16} aria-hidden />}>
              Make the token
            </Button>
          </Group>
        </Stack>
      </form>
      <div aria-live="polite">{create.data !== undefined && !create.isPending && <FreshToken {...create.data} />}</div>
    </Panel>
  );
}

interface FreshTokenProps {
  token: { name: string; expiresAtMs: number };
  text: string;
  installCommand: string | null;
}

function FreshToken({ token, text, installCommand }: FreshTokenProps) {
  return (
    <Alert mt="md" variant="outline" color="petrol" title="Shown only this once" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
      <Stack gap="sm">
        <Text size="sm">
          The fleet keeps only a digest of it. {token.name} is valid until <ExactMoment atMs={token.expiresAtMs} />.
        </Text>
        {installCommand !== null && <CommandBox label="Run this on the device:" command={installCommand} />}
        <CommandBox label="Or give the token alone to an agent that is there already:" command={text} />
      </Stack>
    </Alert>
  );
}
