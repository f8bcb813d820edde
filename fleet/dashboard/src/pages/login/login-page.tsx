import { Button, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect } from 'react';
import { signIn } from '../../data/session.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import classes from './login-page.module.css';

const route = getRouteApi('/login');

export function LoginPage() {
  const { next } = route.useSearch();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const login = useMutation({
    mutationFn: (form: FormData) => signIn(String(form.get('email')), String(form.get('password'))),
    onSuccess: async () => {
      queries.clear();
      await navigate({ to: localPath(next), replace: true });
    },
  });
  useEffect(() => {
    document.title = 'Sign in · Starling';
  }, []);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    login.mutate(new FormData(event.currentTarget));
  };
  return (
    <div className={classes.page} data-full-window>
      <main className={classes.card}>
        <img src="/starling.svg" alt="" width={52} height={52} />
        <Title order={1} size="h2" mt="xs" style={{ letterSpacing: '-0.02em' }}>
          Sign in to Starling
        </Title>
        <Text c="dimmed" size="sm" mb="lg">
          Models on devices, looked after.
        </Text>
        <form onSubmit={submit}>
          <Stack gap="md">
            <TextInput label="E-mail" name="email" type="email" autoComplete="username" required autoFocus />
            <PasswordInput
              label="Password"
              name="password"
              autoComplete="current-password"
              required
              visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password' }}
            />
            {login.isError && <ProblemAlert error={login.error} title="Not signed in" />}
            <Button type="submit" loading={login.isPending} fullWidth>
              Sign in
            </Button>
          </Stack>
        </form>
      </main>
    </div>
  );
}

/** Attack: open redirect. Only a path of this page's own origin is followed. */
function localPath(next: string | undefined): string {
  return next?.startsWith('/') === true && !next.startsWith('//') && !next.startsWith('/\\') ? next : '/';
}
