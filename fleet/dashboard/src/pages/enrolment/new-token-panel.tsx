import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { parseClaimToken } from '@starling/shared';
import { IconKey } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { parseLabels } from '../../parts/label-text.ts';
import { ExactMoment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { TokenFields } from './token-fields.tsx';

/** Makes a claim token and shows, once, the command that brings a device in with it. */
export function NewTokenPanel() {
  const [problem, setProblem] = useState<unknown>();
  const create = useChange('createClaimToken', { makesOld: ['listClaimTokens', 'listAudit'] });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      setProblem(undefined);
      create.mutate({ body: requestOf(form) });
    } catch (error) {
      setProblem(error);
    }
  };
  const shown = problem ?? create.error;
  return (
    <Panel title="Add a device" note="Make a token, then run one command on the device.">
      <form onSubmit={submit}>
        <Stack>
          <TokenFields />
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

/** @throws StarlingError `invalid-label` */
function requestOf(form: FormData) {
  const release = String(form.get('release'));
  return {
    name: String(form.get('name')).trim() || 'device',
    uses: Number(form.get('uses') || 1),
    expiresInHours: Number(form.get('hours')),
    requireApproval: form.get('requireApproval') !== null,
    labels: parseLabels(String(form.get('labels'))),
    install: form.get('isInstalled') === null,
    ...(release === '' ? {} : { release }),
  };
}

interface FreshTokenProps {
  token: { name: string; expiresAtMs: number };
  text: string;
  installCommand: string | null;
}

function FreshToken({ token, text, installCommand }: FreshTokenProps) {
  const url = parseClaimToken(text)?.url;
  return (
    <Alert mt="md" variant="outline" color="petrol" title="Shown only this once" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
      <Stack gap="sm">
        <Text size="sm">
          The fleet keeps only a digest of it. {token.name} is valid until <ExactMoment atMs={token.expiresAtMs} />.
        </Text>
        {url !== undefined && (
          <Text size="sm">
            The device has to reach <span className="mono">{url}</span>. The fleet takes another address with{' '}
            <span className="mono">--public-url</span>, the demo with <span className="mono">npm start -- --address</span>.
          </Text>
        )}
        {installCommand !== null && <CommandBox label="Run this on the device:" command={installCommand} />}
        <CommandBox
          label={`${installCommand === null ? 'Give' : 'Or give'} the token to an agent that is there, on its standard input:`}
          command={text}
        />
      </Stack>
    </Alert>
  );
}
