import { Button, Group, Stack, Text } from '@mantine/core';
import type { api, BodyOf } from '@starling/shared';
import { IconKey } from '@tabler/icons-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { parseLabels } from '../../parts/label-text.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';

type TokenRequest = BodyOf<typeof api.createClaimToken>;

interface TokenFormProps {
  /** Fields, read by name. */
  children: ReactNode;
  verb: string;
  isPending: boolean;
  /** What takes so long, where something does. */
  waitingFor?: string;
  error: unknown;
  onSubmit: (request: TokenRequest) => void;
}

/** A form that makes a claim token of what its fields say. */
export function TokenForm({ children, verb, isPending, waitingFor, error, onSubmit }: TokenFormProps) {
  const [problem, setProblem] = useState<unknown>();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      setProblem(undefined);
      onSubmit(requestOf(form));
    } catch (thrown) {
      setProblem(thrown);
    }
  };
  const shown = problem ?? error;
  return (
    <form onSubmit={submit}>
      <Stack>
        {children}
        {shown !== null && shown !== undefined && <ProblemAlert error={shown} />}
        <Group>
          {isPending && waitingFor !== undefined && (
            <Text size="sm" c="dimmed" role="status">
              {waitingFor}
            </Text>
          )}
          <Button type="submit" loading={isPending} leftSection={<IconKey size={16} aria-hidden />}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** @throws StarlingError `invalid-label` */
function requestOf(form: FormData): TokenRequest {
  const release = String(form.get('release') ?? '');
  return {
    name: String(form.get('name')).trim() || 'device',
    uses: Number(form.get('uses') || 1),
    expiresInHours: Number(form.get('hours')),
    requireApproval: form.get('requireApproval') !== null,
    labels: parseLabels(String(form.get('labels'))),
    ...(release === '' ? {} : { release }),
  };
}
