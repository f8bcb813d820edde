import { Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { IconChevronUp, IconDeviceDesktop, IconLogout, IconMoon, IconSettings, IconSun } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { signOut, useSession } from '../data/session.ts';
import classes from './account-menu.module.css';

const schemes = [
  { value: 'auto', label: 'Theme of this machine', icon: IconDeviceDesktop },
  { value: 'light', label: 'Light theme', icon: IconSun },
  { value: 'dark', label: 'Dark theme', icon: IconMoon },
] as const;

/** Who is signed in, how the page looks, and the way out. */
export function AccountMenu() {
  const { actor } = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const leave = async (): Promise<void> => {
    await signOut();
    await navigate({ to: '/login' });
    queries.clear();
  };
  return (
    <Menu position="top-start" width={240} shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.account}>
          <span className={classes.initial} aria-hidden>
            {actor.name.slice(0, 1).toUpperCase()}
          </span>
          <span className={classes.who}>
            <span className={classes.name}>{actor.name}</span>
            <span className={classes.role}>{actor.role}</span>
          </span>
          <IconChevronUp size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {schemes.map(({ value, label, icon: Icon }) => (
          <Menu.Item
            key={value}
            role="menuitemradio"
            aria-checked={colorScheme === value}
            leftSection={<Icon size={16} aria-hidden />}
            fw={colorScheme === value ? 600 : undefined}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconSettings size={16} aria-hidden />} onClick={() => void navigate({ to: '/settings' })}>
          Settings and password
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
