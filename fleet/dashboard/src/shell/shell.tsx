import { AppShell, Burger, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { type RefObject, useEffect, useRef } from 'react';
import { LiveProvider } from '../data/live.tsx';
import { onSignedOut } from '../data/query-client.ts';
import { NowProvider } from '../parts/moment.tsx';
import { Brand } from './brand.tsx';
import { LiveTag } from './live-tag.tsx';
import classes from './shell.module.css';
import { Sidebar } from './sidebar.tsx';

const HEADER_PX = 56;

/** The frame around every page of a signed-in person. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const main = useRef<HTMLElement>(null);
  useLeaveWhenSignedOut();
  useFocusOnNewPage(main);
  return (
    <LiveProvider>
      <NowProvider>
        <a className="skip-link" href="#main">
          Skip to the content
        </a>
        <AppShell
          header={{ height: { base: HEADER_PX, md: 0 } }}
          navbar={{ width: 232, breakpoint: 'md', collapsed: { mobile: !isOpen } }}
          padding={{ base: 'sm', sm: 'lg' }}
        >
          <AppShell.Header className={classes.header} hiddenFrom="md" withBorder={false}>
            <Group h="100%" px="md" justify="space-between" wrap="nowrap">
              <Group gap="sm" wrap="nowrap">
                <Burger opened={isOpen} onClick={toggle} size="sm" color="#fff" aria-label={isOpen ? 'Close the menu' : 'Open the menu'} />
                <Brand />
              </Group>
              <LiveTag />
            </Group>
          </AppShell.Header>
          <AppShell.Navbar className={classes.navbar} withBorder={false} component="div">
            <Group component="header" visibleFrom="md" justify="space-between" px="lg" pt="lg" pb="xs" wrap="nowrap">
              <Brand />
              <LiveTag />
            </Group>
            <Sidebar onNavigate={close} />
          </AppShell.Navbar>
          <AppShell.Main id="main" tabIndex={-1} ref={main}>
            <div className={classes.page}>
              <Outlet />
            </div>
          </AppShell.Main>
        </AppShell>
      </NowProvider>
    </LiveProvider>
  );
}

function useLeaveWhenSignedOut(): void {
  const queries = useQueryClient();
  const navigate = useNavigate();
  useEffect(
    () =>
      onSignedOut(queries, () => {
        // What was read stays until the shell, which needs to know who is signed in, is gone.
        void navigate({ to: '/login', search: { next: window.location.pathname } }).then(() => queries.clear());
      }),
    [queries, navigate],
  );
}

/** Who listens to the page hears where a link has led; the first page keeps the focus where the browser puts it. */
function useFocusOnNewPage(main: RefObject<HTMLElement | null>): void {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path, main]);
}
