import { Button, Group, PasswordInput, Stack } from '@mantine/core';
import { type FormEvent, useRef } from 'react';
import { useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { Facts } from '../../parts/facts.tsx';
import { announce } from '../../parts/notice.ts';
import { Panel } from '../../parts/panel.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';

const showOrHide = { 'aria-label': 'Show or hide the password' };

/** Who is signed in, and the own password. */
export function AccountPanel() {
  const { actor } = useSession();
  const form = useRef<HTMLFormElement>(null);
  const change = useChange('changePassword', {
    makesOld: [],
    onDone: () => {
      form.current?.reset();
      announce('The password is changed; all other sessions have ended');
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    change.mutate({ body: { current: String(values.get('current')), next: String(values.get('next')) } });
  };
  return (
    <Panel title="You">
      <Stack>
        <Facts
          facts={[
            ['Signed in as', actor.name],
            ['Role', actor.role],
          ]}
        />
        <form onSubmit={submit} ref={form}>
          <Stack gap="sm">
            <PasswordInput
              label="Current password"
              name="current"
              autoComplete="current-password"
              required
              visibilityToggleButtonProps={showOrHide}
            />
            <PasswordInput
              label="New password"
              name="next"
              description="At least 12 characters"
              autoComplete="new-password"
              minLength={12}
              required
              visibilityToggleButtonProps={showOrHide}
            />
            {change.isError && <ProblemAlert error={change.error} />}
            <Group>
              <Button type="submit" variant="default" loading={change.isPending}>
                Change the password
              </Button>
            </Group>
          </Stack>
        </form>
      </Stack>
    </Panel>
  );
}
