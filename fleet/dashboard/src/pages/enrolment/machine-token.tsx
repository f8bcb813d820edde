import { Alert, Checkbox, Stack, Text } from '@mantine/core';
import { parseClaimToken } from '@starling/shared';
import { useState } from 'react';
import { useClaimToken } from '../../data/claim-token.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { TokenFields } from './token-fields.tsx';
import { TokenForm } from './token-form.tsx';

/** Makes a claim token and shows, once, the command that brings a machine in with it. */
export function MachineToken() {
  const [isInstalled, setInstalled] = useState(false);
  const create = useClaimToken();
  return (
    <>
      <TokenForm
        {...{ verb: 'Make the token', isPending: create.isPending, error: create.error }}
        waitingFor="Making the command; the first time the agent packages are built, which takes a minute."
        onSubmit={(request) => create.mutate({ ...request, install: !isInstalled })}
      >
        <TokenFields name="device" hours="24">
          <Checkbox
            checked={isInstalled}
            onChange={(event) => setInstalled(event.currentTarget.checked)}
            label="The agent is installed there already"
            description="Then the token alone is enough"
            mt={{ base: 0, sm: 'lg' }}
          />
        </TokenFields>
      </TokenForm>
      <div aria-live="polite">{create.data !== undefined && !create.isPending && <FreshToken {...create.data} />}</div>
    </>
  );
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
          The fleet keeps only a digest of it. The token “{token.name}” is valid until <ExactMoment atMs={token.expiresAtMs} />.
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
